// SPDX-License-Identifier: LGPL-3.0-or-later
//
// Settings: the options that may also stand in the environment and in bemi.toml. They are those
// with an environment's name; all others ask something of one command and are flags alone. One
// place decides, for every command, which of them speaks: the flag, then the environment, then the
// file, then the default. A list is replaced by the one that speaks, never added to.
#pragma once

#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "base/result.hpp"

namespace CLI {
class App;
class Option;
}  // namespace CLI

namespace bemi::cli {

// In the order of precedence.
enum class Origin { flag, environment, file, standard };

class Settings {
 public:
  // \pre the program has all its commands, and nothing was parsed yet. CLI11 would fill the options
  // of commands that were not called from the environment too, and two commands' options are one
  // setting: from here on it knows no environment.
  explicit Settings(CLI::App& program);

  // After the parse: fills what no flag of `command` has set. `file` empty: ./bemi.toml if it is
  // there. Errors of kind usage: a value that cannot be, a key or a variable that is none.
  base::Status resolve(const CLI::App& command, const std::string& file);

  // For --help, which names the variables.
  void show_variables();

  // A line of JSON for each setting of the command: its value as the command has it, and from
  // where.
  [[nodiscard]] std::string described(const CLI::App& command) const;

 private:
  struct Setting {
    const CLI::App* command = nullptr;
    CLI::Option* option = nullptr;
    std::string key;       // the flag without its dashes
    std::string variable;  // of the environment
  };
  using Rules = std::map<const CLI::Option*, std::set<CLI::Option*>>;

  void take(CLI::App& app, const CLI::App& command);
  [[nodiscard]] std::vector<Setting> of(const CLI::App& command) const;
  [[nodiscard]] std::set<std::string> keys() const;
  [[nodiscard]] std::set<std::string> variables() const;
  [[nodiscard]] Origin origin(const CLI::Option* option) const;
  [[nodiscard]] bool is_ruled_out(const CLI::Option* option, Origin here) const;
  base::Status check_variables() const;
  base::Status set(const Setting& setting, Origin origin, const std::vector<std::string>& texts,
                   const std::string& where);
  base::Status read_environment(const std::vector<Setting>& settings);
  base::Status read_file(const std::vector<Setting>& settings, const std::string& file);
  [[nodiscard]] base::Status check_rules(const CLI::App& command) const;
  [[nodiscard]] std::string said(const CLI::Option* option) const;

  std::vector<Setting> settings_;
  std::map<const CLI::Option*, const CLI::App*> owners_;  // of all options
  Rules needs_;
  Rules excludes_;
  std::map<const CLI::Option*, Origin> origins_;
};

// The nearest of `known` where it is so near that a slip of the finger may have been meant.
std::optional<std::string> did_you_mean(const std::string& word,
                                        const std::set<std::string>& known);

}  // namespace bemi::cli
