// SPDX-License-Identifier: LGPL-3.0-or-later
//
// The flags of revert, redo and mark.
#include <CLI/CLI.hpp>

#include "cli/options.hpp"
#include "cli/verbs/revert_options.hpp"

namespace bemi::cli {
namespace {

int exit_code(const base::Result<bool>& done, int (*report)(const base::Error&)) {
  if (!done) return report(done.error());
  return *done ? 0 : 1;
}

int exit_code(const base::Status& done, int (*report)(const base::Error&)) {
  return done ? 0 : report(done.error());
}

void add_revert_connections(CLI::App& command, host::Config& config) {
  add_connection_options(command, config);
  command
      .add_option("--revert-url", config.revert_url,
                  "The source, as a role that may write its tables [default: --source]")
      ->envname("BEMI_REVERT_URL")
      ->type_name("URL");
}

void add_policy_options(CLI::App& command, host::Config& config, RevertOptions& options) {
  command
      .add_option("--apply", options.digest, "Do it, if the plan is still the one of this digest")
      ->type_name("DIGEST")
      ->expected(0, 1);
  command.add_option("--sql", options.script_file, "Write a script that does it; - is stdout")
      ->type_name("FILE");
  command
      .add_option(
          "--on-conflict", options.on_conflict,
          "fail: then nothing is done; skip: leave such rows, and what depends on them; force: "
          "write the old values all the same")
      ->check(CLI::IsMember({"fail", "skip", "force"}))
      ->capture_default_str();
  command.add_flag("--cascade", options.cascade, "Undo what others built on it too");
  command.add_option("--max-rows", options.rows_max, "Refuse to undo more")
      ->check(CLI::NonNegativeNumber)
      ->capture_default_str();
  command.add_flag("--no-triggers", options.no_triggers,
                   "Keep the tables' own triggers from firing (needs their owner)");
  command.add_option("--actor", options.actor, "Who undoes, for the history [default: $USER]");
  command.add_option("--reason", options.reason, "Why, for the history");
  command
      .add_option("--timeout", options.timeout_s, "Seconds to wait for the history; 0: for ever")
      ->capture_default_str();
  command.add_option("--format", options.select.format, "table for a person, json for a program")
      ->check(CLI::IsMember({"table", "json"}))
      ->capture_default_str();
  add_revert_connections(command, config);
}

void add_mark(CLI::App& app, host::Config& config, MarkOptions& mark, const base::Interrupt& stop,
              const AddCommand& add, int (*report)(const base::Error&)) {
  CLI::App* parent = app.add_subcommand("mark", "Named states to go back to, and forward again");
  parent->require_subcommand(1);
  auto named = [&](CLI::App* command) {
    command->add_option("NAME", mark.name, "The mark's name")->required();
    add_revert_connections(*command, config);
    command->add_option("--timeout", mark.timeout_s, "Seconds to wait for the history; 0: for ever")
        ->capture_default_str();
    return command;
  };
  CLI::App* create =
      named(add(*parent, "create", "Give the state of now a name", [&config, &mark, &stop, report] {
        return exit_code(mark_create_command(config, mark, stop), report);
      }));
  create->add_option("--comment", mark.comment, "What it is for");
  create->add_flag("--protect", mark.protect, "Not to be rolled back past, nor deleted");

  CLI::App* list =
      add(*parent, "list", "The marks, and what has changed since",
          [&config, &mark, report] { return exit_code(mark_list_command(config, mark), report); });
  list->add_option("--format", mark.format, "table for a person, json (one object a line) or csv")
      ->check(CLI::IsMember({"table", "json", "csv"}))
      ->capture_default_str();
  add_revert_connections(*list, config);

  named(add(*parent, "rollback", "Go back to it: tables and sequences",
            [&config, &mark, &stop, report] {
              return exit_code(mark_rollback_command(config, mark, stop), report);
            }))
      ->add_flag("--force", mark.force, "Also past a protected one");

  named(
      add(*parent, "forward", "Take the last rollback to it back", [&config, &mark, &stop, report] {
        return exit_code(mark_forward_command(config, mark, stop), report);
      }));

  named(add(*parent, "delete", "Forget it", [&config, &mark, report] {
    return exit_code(mark_delete_command(config, mark), report);
  }))->add_flag("--force", mark.force, "Also a protected one");
}

}  // namespace

void add_revert_commands(CLI::App& app, host::Config& config, RevertProgram& program,
                         const base::Interrupt& stop, const AddCommand& add,
                         int (*report)(const base::Error&)) {
  RevertOptions& options = program.revert;
  CLI::App* revert = add(app, "revert", "Undo changes: shows the plan; --apply does it",
                         [&app, &config, &options, &stop, report] {
                           options.apply = app.get_subcommand("revert")->count("--apply") > 0;
                           return exit_code(revert_command(config, options, stop), report);
                         });
  ChangesOptions& select = options.select;
  revert->add_option("--table", select.table, "table, schema.table, or quoted as in SQL");
  revert->add_option("--primary-key", select.primary_key, "One record")->type_name("KEY");
  revert->add_option("--operation", select.operation, "CREATE, UPDATE, DELETE, TRUNCATE");
  revert->add_option("--context", select.context, "What the application passed; all must hold")
      ->type_name("KEY=VALUE");
  revert->add_option("--transaction", select.transaction, "Source transaction id")->type_name("ID");
  revert->add_option("--trace", options.trace, "Trace id")->type_name("ID");
  revert->add_option("--change", options.changes, "Single changes by their id")->type_name("ID");
  revert->add_option("--since", select.since, "From this time on")->type_name("TIME");
  revert->add_option("--until", select.until, "Before this time")->type_name("TIME");
  add_policy_options(*revert, config, options);

  CLI::App* redo = add(app, "redo", "Do again what the last revert undid: shows the plan",
                       [&app, &config, &options, &stop, report] {
                         options.apply = app.get_subcommand("redo")->count("--apply") > 0;
                         return exit_code(redo_command(config, options, stop), report);
                       });
  redo->add_option("--transaction", select.transaction, "The revert's own [default: the last one]")
      ->type_name("ID");
  add_policy_options(*redo, config, options);
  add_mark(app, config, program.mark, stop, add, report);
}

}  // namespace bemi::cli
