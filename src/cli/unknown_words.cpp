// SPDX-License-Identifier: LGPL-3.0-or-later
#include "cli/unknown_words.hpp"

#include <algorithm>
#include <optional>
#include <set>

#include <CLI/CLI.hpp>

#include "cli/settings.hpp"

namespace bemi::cli {
namespace {

// The command that was called, and how it is called.
struct Called {
  const CLI::App* command;
  std::string name;
};

Called called(const CLI::App& program) {
  Called found{&program, "bemi"};
  while (true) {
    auto inner = found.command->get_subcommands();
    if (inner.empty()) return found;
    found.command = inner.front();
    found.name += " " + found.command->get_name();
  }
}

void add_flags(const CLI::App& app, std::set<std::string>& flags) {
  for (const CLI::Option* option : app.get_options({})) {
    for (const std::string& name : option->get_lnames()) flags.insert("--" + name);
  }
  for (const CLI::App* group : app.get_subcommands({})) {
    if (group->get_name().empty()) add_flags(*group, flags);
  }
}

std::set<std::string> commands_of(const CLI::App& app) {
  std::set<std::string> names;
  for (const CLI::App* command : app.get_subcommands({})) {
    if (!command->get_name().empty()) names.insert(command->get_name());
  }
  return names;
}

std::optional<std::string> meant_flag(const CLI::App& command, const std::string& flag) {
  std::set<std::string> flags;
  add_flags(command, flags);
  return did_you_mean(flag.substr(0, flag.find('=')), flags);
}

base::Error usage(std::string message, const std::optional<std::string>& meant,
                  const std::string& command) {
  std::string hint = meant ? "did you mean " + *meant + "? " : "";
  return {.kind = base::ErrorKind::usage,
          .message = std::move(message),
          .hint = hint + "see " + command + " --help",
          .sqlstate = {},
          .lsn = {}};
}

}  // namespace

void accept_other_words(std::vector<std::string>& words) {
  if (words.size() < 2) return;
  if (words[1] == "version" && words.size() == 2) words[1] = "--version";
  if (words[1] != "help") return;
  words.erase(words.begin() + 1);
  words.emplace_back("--help");
}

base::Error refused(const CLI::App& program, const CLI::ParseError& error) {
  auto [command, name] = called(program);
  std::vector<std::string> extra = program.remaining(/*recurse=*/true);
  bool is_unknown = dynamic_cast<const CLI::ExtrasError*>(&error) != nullptr;
  if (!is_unknown || extra.empty()) return usage(error.what(), std::nullopt, name);
  auto flag =
      std::ranges::find_if(extra, [](const std::string& word) { return word.starts_with("-"); });
  if (flag != extra.end())
    return usage(name + " has no flag " + *flag, meant_flag(*command, *flag), name);
  auto commands = commands_of(*command);
  if (commands.empty()) return usage(name + " takes no " + extra.front(), std::nullopt, name);
  return usage("there is no command " + extra.front(), did_you_mean(extra.front(), commands), name);
}

}  // namespace bemi::cli
