// SPDX-License-Identifier: LGPL-3.0-or-later
//
// The program's verbs. Each has one file, X_command.cpp, with its flags and its code: add_X adds
// the verb to the program. A new verb is such a file and a line in `every_verb`.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "base/result.hpp"
#include "host/config.hpp"

namespace CLI {
class App;
}

namespace bemi::cli {

struct Verb {
  CLI::App* command;
  // Returns when the verb is done. False: not all is well, which the verb has said; exit code 1.
  std::function<base::Result<bool>()> run;
};

class Verbs {
 public:
  explicit Verbs(CLI::App& app) : app_(&app) {}
  Verbs(const Verbs&) = delete;
  Verbs& operator=(const Verbs&) = delete;

  // A verb of `parent`, which is the program or a verb with verbs of its own. `run` owns what the
  // verb's own flags set.
  CLI::App& add(CLI::App& parent, const char* name, const char* description,
                std::function<base::Result<bool>()> run);
  CLI::App& add(CLI::App& parent, const char* name, const char* description,
                std::function<base::Status()> run);

  [[nodiscard]] CLI::App& app() const { return *app_; }
  // The settings, which all verbs share.
  [[nodiscard]] host::Config& config() { return config_; }
  [[nodiscard]] const std::vector<Verb>& all() const { return all_; }
  [[nodiscard]] const std::string& config_file() const { return config_file_; }
  [[nodiscard]] bool prints_settings() const { return prints_settings_; }

 private:
  CLI::App* app_;
  host::Config config_;
  std::string config_file_;
  bool prints_settings_ = false;
  std::vector<Verb> all_;
};

void add_run(Verbs& verbs);
void add_dev(Verbs& verbs);
void add_serve(Verbs& verbs);
void add_init(Verbs& verbs);
void add_check(Verbs& verbs);
void add_teardown(Verbs& verbs);
void add_sync(Verbs& verbs);
void add_status(Verbs& verbs);
void add_changes(Verbs& verbs);
void add_history(Verbs& verbs);
void add_blame(Verbs& verbs);
void add_as_of(Verbs& verbs);
void add_diff(Verbs& verbs);
void add_trends(Verbs& verbs);
void add_transactions(Verbs& verbs);
void add_revert(Verbs& verbs);
void add_redo(Verbs& verbs);
void add_mark(Verbs& verbs);
void add_maintain(Verbs& verbs);
void add_archive(Verbs& verbs);
void add_source(Verbs& verbs);
void add_checkout(Verbs& verbs);
void add_mcp(Verbs& verbs);

// In the order of bemi --help.
inline constexpr void (*every_verb[])(Verbs&) = {
    add_run,      add_dev,     add_serve,        add_init,     add_check, add_teardown,
    add_sync,     add_status,  add_changes,      add_history,  add_blame, add_as_of,
    add_diff,     add_trends,  add_transactions, add_revert,   add_redo,  add_mark,
    add_maintain, add_archive, add_source,       add_checkout, add_mcp};

}  // namespace bemi::cli
