// SPDX-License-Identifier: LGPL-3.0-or-later
#include "cli/app.hpp"

#include <exception>
#include <functional>
#include <iostream>

#include <CLI/CLI.hpp>

#include "base/printable.hpp"
#include "cli/clean_streams.hpp"
#include "cli/describe.hpp"
#include "cli/empty_words.hpp"
#include "cli/help.hpp"
#include "cli/options.hpp"
#include "cli/settings.hpp"
#include "cli/verbs/commands.hpp"
#include "cli/verbs/filter_options.hpp"
#include "cli/verbs/maintenance_app.hpp"
#include "cli/verbs/revert_options.hpp"
#include "cli/verbs/source_command.hpp"
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

int exit_code(const base::Status& status) { return status ? 0 : report(status.error()); }

// All that flags can set, and what to do with it.
struct Program {
  host::Config config;
  std::string config_file;
  bool prints_settings = false;
  bool describes = false;
  InitOptions init;
  StatusOptions status;
  ChangesOptions changes;
  PastOptions past;
  CheckoutOptions checkout;
  TrendsOptions trends;
  RevertProgram revert;
  MaintenanceProgram maintenance;
  SourceOptions source;
  TeardownOptions teardown;
  DevOptions dev;
  ServeOptions serve;
  int sync_timeout_s = 0;
  std::vector<std::pair<CLI::App*, std::function<int()>>> actions;
};

CLI::App* add_command(CLI::App& app, Program& program, const char* name, const char* description,
                      std::function<int()> action) {
  CLI::App* command = app.add_subcommand(name, description);
  command
      ->add_option("--config", program.config_file,
                   "The settings file [default: ./bemi.toml, if it exists]")
      ->type_name("FILE");
  command->add_flag(
      "--print-settings", program.prints_settings,
      "Print each setting with its value and where it comes from, and do nothing else");
  program.actions.emplace_back(command, std::move(action));
  return command;
}

void add_format(CLI::App& command, std::string& format) {
  command
      .add_option("--format", format,
                  "The output: table for people, json for one object a line, or csv")
      ->check(CLI::IsMember({"table", "json", "csv"}))
      ->capture_default_str();
}

void add_run(CLI::App& app, Program& program) {
  CLI::App* run = add_command(
      app, program, "run", "Run the worker: track a source until stopped",
      [&program] { return exit_code(run_command(program.config, host::asked_to_stop())); });
  add_connection_options(*run, program.config);
  add_tracking_options(*run, program.config);
  add_worker_options(*run, program.config);
  add_maintenance_options(*run, program.config);
  add_http_options(*run, program.config);
  add_log_options(*run, program.config);

  CLI::App* dev =
      add_command(app, program, "dev", "Run everything on a private PostgreSQL", [&program] {
        return exit_code(dev_command(program.config, program.dev, host::asked_to_stop()));
      });
  dev->add_option("--directory", program.dev.directory, "The directory of the private PostgreSQL")
      ->envname("BEMI_DEV_DIRECTORY")
      ->type_name("DIRECTORY")
      ->capture_default_str();
  dev->add_option("--postgres-bin", program.dev.postgres_bindir,
                  "The directory of PostgreSQL's server programs [default: searched]")
      ->envname("BEMI_POSTGRES_BIN")
      ->type_name("DIRECTORY");
  dev->add_option("--port", program.dev.port,
                  "The port on 127.0.0.1 [default: a free port, kept for later runs]")
      ->envname("BEMI_DEV_PORT")
      ->type_name("PORT");
  add_tracking_options(*dev, program.config);
  add_worker_options(*dev, program.config);
  add_maintenance_options(*dev, program.config);
  add_http_options(*dev, program.config);
  add_log_options(*dev, program.config);

  CLI::App* serve = add_command(
      app, program, "serve", "Serve the dashboard and the API without a worker", [&program] {
        return exit_code(serve_command(program.config, program.serve, host::asked_to_stop()));
      });
  serve->add_flag("--new-token", program.serve.new_token,
                  "Make and print a new token; the old one and all sessions end");
  add_connection_options(*serve, program.config);
  // It reads live rows, and makes a history: as the worker does.
  add_tracking_options(*serve, program.config);
  add_http_options(*serve, program.config);
  add_log_options(*serve, program.config);
}

void add_setup(CLI::App& app, Program& program) {
  CLI::App* init =
      add_command(app, program, "init", "Prepare the source and the destination; safe to repeat",
                  [&program] { return exit_code(init_command(program.config, program.init)); });
  init->add_flag("--dry-run", program.init.dry_run, "Print the SQL and run nothing");
  init->add_flag("--accept-gap", program.init.accept_gap,
                 "Record the gap, then start again with a new slot and a new baseline");
  add_connection_options(*init, program.config);
  add_tracking_options(*init, program.config);

  CLI::App* check =
      add_command(app, program, "check",
                  "Check whether both ends are ready, and print what would fix them", [&program] {
                    auto good = check_command(program.config);
                    return good ? (*good ? 0 : 1) : report(good.error());
                  });
  add_connection_options(*check, program.config);
  add_tracking_options(*check, program.config);

  CLI::App* teardown = add_command(
      app, program, "teardown", "Remove from the source all that init made there",
      [&program] { return exit_code(teardown_command(program.config, program.teardown)); });
  teardown->add_flag("--yes", program.teardown.yes, "Do not ask for confirmation");
  teardown->add_flag("--dry-run", program.teardown.dry_run, "Print the SQL and run nothing");
  add_connection_options(*teardown, program.config);
  add_tracking_options(*teardown, program.config);
  // Here the flag alone is a wish: drop the history too, wherever it is.
  add_destination_wish(*teardown, program.teardown.destination);
}

void add_reading(CLI::App& app, Program& program) {
  CLI::App* sync = add_command(
      app, program, "sync", "Wait until the history has everything that is committed now",
      [&program] { return exit_code(sync_command(program.config, program.sync_timeout_s)); });
  sync->add_option("--timeout", program.sync_timeout_s,
                   "The seconds after which to give up [default: never]");
  add_connection_options(*sync, program.config);

  CLI::App* status =
      add_command(app, program, "status", "Show each source's slot, lag, gaps and context coverage",
                  [&program] { return exit_code(status_command(program.config, program.status)); });
  status->add_flag(
      "--stages", program.status.stages,
      "Show how busy each stage of the worker was when it last had work, and which is slowest");
  add_connection_options(*status, program.config);
  add_format(*status, program.status.format);

  CLI::App* changes = add_command(
      app, program, "changes", "List changes that match the given conditions", [&program] {
        return exit_code(changes_command(program.config, program.changes, host::asked_to_stop()));
      });
  ChangesOptions& options = program.changes;
  add_filter_options(*changes, options, "CREATE, UPDATE, DELETE, TRUNCATE, SNAPSHOT or SCHEMA");
  changes->add_option("--limit", options.limit, "Show at most N changes, the newest ones")
      ->check(CLI::NonNegativeNumber)
      ->capture_default_str();
  CLI::Option* before =
      changes
          ->add_option("--before", options.before, "Show the page before the change with this id")
          ->type_name("ID");
  changes->add_option("--after", options.after, "Show the page after the change with this id")
      ->type_name("ID")
      ->excludes(before);
  changes->add_flag("--follow", options.follow, "Keep printing new changes as they arrive")
      ->excludes(before);
  changes
      ->add_option("--archive", options.archive,
                   "Read this archive file instead of the table changes; nothing is stored")
      ->check(CLI::ExistingFile)
      ->excludes("--follow")
      ->type_name("FILE");
  add_connection_options(*changes, program.config);
  add_format(*changes, options.format);
}

void add_past_options(CLI::App& command, Program& program, PastOptions& options) {
  command
      .add_option("--source-name", options.source,
                  "The source's name, needed if several sources have the table")
      ->type_name("NAME");
  command.add_flag("--partial", options.partial,
                   "Answer with the known rows, even if some are missing");
  command.add_flag("--allow-stale", options.allow_stale,
                   "Answer even if later changes may still be missing");
  add_wait(command, options.wait, "Wait this long, such as 30s, for a moment still to come");
  add_connection_options(command, program.config);
}

void add_past_options(CLI::App& command, Program& program) {
  add_past_options(command, program, program.past);
  add_format(command, program.past.format);
}

void add_checkout(CLI::App& app, Program& program) {
  CheckoutOptions& options = program.checkout;
  CLI::App* checkout = add_command(
      app, program, "checkout", "Make a real copy of the tracked tables as they were",
      [&program] { return exit_code(checkout_command(program.config, program.checkout)); });
  checkout
      ->add_option("--at", options.past.time,
                   "The time: a timestamp, an LSN, a transaction id or a mark")
      ->type_name("TIME")
      ->required();
  checkout
      ->add_option("--into", options.into,
                   "The target: a database's URL, or the name of a new schema in the destination")
      ->type_name("DATABASE|SCHEMA")
      ->required();
  add_past_options(*checkout, program, options.past);
}

void add_past(CLI::App& app, Program& program) {
  constexpr const char* time = "The time: a timestamp, an LSN, a transaction id or a mark";
  PastOptions& options = program.past;
  CLI::App* history = add_command(
      app, program, "history", "Show one record's versions: what changed, when and by whom",
      [&program] { return exit_code(history_command(program.config, program.past)); });
  history
      ->add_option("TABLE", options.table,
                   "The table, as table or schema.table; quoted as in SQL where needed")
      ->required();
  history->add_option("KEY", options.key, "The record's primary key")->required();
  add_past_options(*history, program);

  CLI::App* as_of =
      add_command(app, program, "as-of", "Show a table's rows as they were at a time",
                  [&program] { return exit_code(as_of_command(program.config, program.past)); });
  as_of->add_option("TIME", options.time, time)->required();
  as_of
      ->add_option("TABLE", options.table,
                   "The table, as table or schema.table; quoted as in SQL where needed")
      ->required();
  as_of->add_option("KEY", options.key, "The primary key of one record");
  as_of->add_option("--limit", options.limit, "Return at most N rows, ordered by key")
      ->check(CLI::NonNegativeNumber);
  as_of->add_option("--after", options.after, "Return the rows after this key")->type_name("KEY");
  as_of->add_flag("--explain", options.explain,
                  "Print how the rows would be found, and do not read them");
  add_past_options(*as_of, program);
  add_selection_options(*as_of, program.config);

  CLI::App* diff =
      add_command(app, program, "diff", "Show the rows that differ between two times",
                  [&program] { return exit_code(diff_command(program.config, program.past)); });
  diff->add_option("TABLE", options.table,
                   "The table, as table or schema.table; quoted as in SQL where needed")
      ->required();
  diff->add_option("FROM", options.time, time)->required();
  diff->add_option("TO", options.until, time)->required();
  add_past_options(*diff, program);
  add_selection_options(*diff, program.config);
}

void add_span_options(CLI::App& command, Program& program) {
  command.add_option("--since", program.trends.since, "The time from which on to look")
      ->type_name("TIME");
  command.add_option("--until", program.trends.until, "The time before which to look")
      ->type_name("TIME");
  command
      .add_option("--source-name", program.trends.source,
                  "The source's name [default: all sources]")
      ->type_name("NAME");
  add_connection_options(command, program.config);
  add_format(command, program.trends.format);
}

void add_groups(CLI::App& app, Program& program) {
  TrendsOptions& options = program.trends;
  CLI::App* trends =
      add_command(app, program, "trends", "Count changes by time and group",
                  [&program] { return exit_code(trends_command(program.config, program.trends)); });
  trends->add_option("--every", options.every, "The length of each time span")
      ->type_name("INTERVAL")
      ->capture_default_str();
  trends
      ->add_option("--by", options.group_by,
                   "The group: operation, table, source, or a key of the context")
      ->type_name("GROUP")
      ->capture_default_str();
  add_span_options(*trends, program);

  CLI::App* transactions = add_command(
      app, program, "transactions", "List transactions with what each one did, the newest first",
      [&program] { return exit_code(transactions_command(program.config, program.trends)); });
  add_context_option(*transactions, options.context);
  transactions->add_option("--limit", options.limit, "Show at most N transactions")
      ->check(CLI::NonNegativeNumber)
      ->capture_default_str();
  add_span_options(*transactions, program);
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

int act(Program& program, Settings& settings, CleanStreams& streams, const CLI::App& command,
        const std::function<int()>& action) {
  if (prints_for_programs(command)) streams.leave_stdout_to_programs();
  if (base::Status known = settings.resolve(command, program.config_file); !known) {
    return report(known.error());
  }
  host::drop_empty_words(program.config);
  if (base::Status possible = host::check_config(program.config); !possible) {
    return report(possible.error());
  }
  if (program.prints_settings) {
    std::cout << settings.described(command);
    return 0;
  }
  host::warn_of_unused_variables(program.config);
  return action();
}

int dispatch(CLI::App& app, Program& program, Settings& settings, CleanStreams& streams) {
  for (auto& [command, action] : program.actions) {
    if (command->parsed()) return act(program, settings, streams, *command, action);
  }
  std::cout << app.help();
  return 2;
}

void add_commands(CLI::App& app, Program& program) {
  add_run(app, program);
  add_setup(app, program);
  add_reading(app, program);
  add_past(app, program);
  add_groups(app, program);
  AddCommand add = [&](CLI::App& parent, const char* name, const char* description,
                       std::function<int()> action) {
    return add_command(parent, program, name, description, std::move(action));
  };
  add_revert_commands(app, program.config, program.revert, host::asked_to_stop(), add, report);
  add_maintenance_commands(app, program.config, program.maintenance, add, report);
  add_source_commands(app, program.config, program.source, host::asked_to_stop(), add, report);
  add_checkout(app, program);
}

int parse_and_run(int argc, const char* const* argv, CleanStreams& streams) {
  CLI::App app(about, "bemi");
  Program program;
  app.set_version_flag("--version", std::string("bemi ") + BEMI_VERSION,
                       "Print the version and exit");
  app.footer(footer);
  app.formatter(std::make_shared<HelpFormatter>());
  app.set_help_flag("-h,--help", "Print this help and exit");
  app.add_flag("--describe", program.describes)->group("");  // for tools/docs/reference.py
  add_commands(app, program);
  Settings settings(app);
  try {
    app.parse(argc, argv);
  } catch (const CLI::Success& asked) {
    settings.show_variables();
    return app.exit(asked);
  } catch (const CLI::ParseError& error) {
    std::cerr << "bemi: " << base::printable_lines(error.what()) << "\nhint: see bemi --help\n";
    return 2;
  }
  if (program.describes) {
    settings.show_variables();
    std::cout << described(app);
    return 0;
  }
  return dispatch(app, program, settings, streams);
}

}  // namespace

int run_program(int argc, char** argv) {
  host::stop_on_signals();
  std::vector<std::string> words = host::take_arguments(argc, argv);
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
