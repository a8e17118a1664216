// SPDX-License-Identifier: LGPL-3.0-or-later
#include "cli/verbs/verbs.hpp"

#include <CLI/CLI.hpp>

namespace bemi::cli {

CLI::App& Verbs::add(CLI::App& parent, const char* name, const char* description,
                     std::function<base::Result<bool>()> run) {
  CLI::App* command = parent.add_subcommand(name, description);
  command
      ->add_option("--config", config_file_,
                   "The settings file [default: ./bemi.toml, if it exists]")
      ->type_name("FILE");
  command->add_flag(
      "--print-settings", prints_settings_,
      "Print each setting with its value and where it comes from, and do nothing else");
  all_.push_back({.command = command, .run = std::move(run)});
  return *command;
}

CLI::App& Verbs::add(CLI::App& parent, const char* name, const char* description,
                     std::function<base::Status()> run) {
  return add(parent, name, description, [run = std::move(run)]() -> base::Result<bool> {
    TRY(run());
    return true;
  });
}

}  // namespace bemi::cli
