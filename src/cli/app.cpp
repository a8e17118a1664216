// SPDX-License-Identifier: LGPL-3.0-or-later
#include "cli/app.hpp"

#include <exception>
#include <iostream>

#include <CLI/CLI.hpp>

#include "base/printable.hpp"
#include "cli/clean_streams.hpp"
#include "cli/describe.hpp"
#include "cli/empty_words.hpp"
#include "cli/help.hpp"
#include "cli/settings.hpp"
#include "cli/unknown_words.hpp"
#include "cli/verbs/verbs.hpp"
#include "host/process.hpp"
#include "host/stop.hpp"

namespace bemi::cli {
namespace {

constexpr const char* about =
    "Bemi tracks every change of a PostgreSQL database, with who, where and how.\n"
    "\n"
    "  bemi dev                                        try it on a private PostgreSQL\n"
    "  bemi run --source postgresql://app@db/shop      track a database\n"
    "  bemi changes --table todo --context user_id=42  read its history";

constexpr const char* footer =
    "Options with (Env:...) can also be set in the environment or in bemi.toml. Flags win over the "
    "environment, and the environment wins over the file.";

int report(const base::Error& error) {
  std::cerr << "bemi: " << base::printable_lines(error.message) << "\n";
  if (!error.hint.empty()) std::cerr << "hint: " << base::printable_lines(error.hint) << "\n";
  return exit_code_of(error.kind);
}

// Whether a program is meant to read what the command prints.
bool prints_for_programs(const CLI::App& command) {
  const CLI::Option* format = command.get_option_no_throw("--format");
  if (format != nullptr && format->count() > 0 && format->as<std::string>() != "table") return true;
  for (const char* flag : {"--sql", "--dry-run", "--print-settings"}) {
    const CLI::Option* option = command.get_option_no_throw(flag);
    if (option != nullptr && option->count() > 0) return true;
  }
  return false;
}

int act(Verbs& verbs, Settings& settings, CleanStreams& streams, const Verb& verb) {
  if (prints_for_programs(*verb.command)) streams.leave_stdout_to_programs();
  if (base::Status known = settings.resolve(*verb.command, verbs.config_file()); !known) {
    return report(known.error());
  }
  host::drop_empty_words(verbs.config());
  if (base::Status possible = host::check_config(verbs.config()); !possible) {
    return report(possible.error());
  }
  if (verbs.prints_settings()) {
    std::cout << settings.described(*verb.command);
    return 0;
  }
  host::warn_of_unused_variables(verbs.config());
  base::Result<bool> done = verb.run();
  if (!done) return report(done.error());
  return *done ? 0 : 1;
}

int dispatch(Verbs& verbs, Settings& settings, CleanStreams& streams) {
  for (const Verb& verb : verbs.all()) {
    if (verb.command->parsed()) return act(verbs, settings, streams, verb);
  }
  std::cout << verbs.app().help();
  return 2;
}

int parse_and_run(int argc, const char* const* argv, CleanStreams& streams) {
  CLI::App app(about, "bemi");
  bool describes = false;
  app.set_version_flag("--version", std::string("bemi ") + BEMI_VERSION,
                       "Print the version and exit");
  app.footer(footer);
  app.formatter(std::make_shared<HelpFormatter>());
  app.set_help_flag("-h,--help", "Print this help and exit");
  app.add_flag("--describe", describes)->group("");  // for tools/docs/reference.py
  Verbs verbs(app);
  for (auto add_verb : every_verb) add_verb(verbs);
  Settings settings(app);
  try {
    app.parse(argc, argv);
  } catch (const CLI::Success& asked) {
    settings.show_variables();
    return app.exit(asked);
  } catch (const CLI::ParseError& error) {
    return report(refused(app, error));
  }
  if (describes) {
    settings.show_variables();
    std::cout << described(app);
    return 0;
  }
  return dispatch(verbs, settings, streams);
}

}  // namespace

int run_program(int argc, char** argv) {
  host::stop_on_signals();
  std::vector<std::string> words = host::take_arguments(argc, argv);
  accept_other_words(words);
  std::vector<const char*> pointers;
  for (const std::string& word : words) pointers.push_back(word.c_str());
  host::guard_process();
  CleanStreams streams;
  if (base::Status given = refuse_empty_words(words); !given) return report(given.error());
  try {
    return parse_and_run(static_cast<int>(pointers.size()), pointers.data(), streams);
  } catch (const std::exception& error) {
    // Memory that ran out, or a fault of ours: the caller still gets a line and a code.
    return report({.kind = base::ErrorKind::internal,
                   .message = std::string("cannot go on: ") + error.what(),
                   .hint = {}});
  }
}

}  // namespace bemi::cli
