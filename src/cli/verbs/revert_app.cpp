// SPDX-License-Identifier: LGPL-3.0-or-later
//
// The flags of revert, redo and mark.
#include <CLI/CLI.hpp>

#include "cli/options.hpp"
#include "cli/verbs/filter_options.hpp"
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
      .add_option("--apply", options.digest,
                  "Execute the plan; with a digest, only if the plan still has it")
      ->type_name("DIGEST")
      ->expected(0, 1);
  command
      .add_option("--sql", options.script_file,
                  "Write an SQL script that does the same to this file; - is stdout")
      ->type_name("FILE");
  command
      .add_option("--on-conflict", options.on_conflict,
                  "When a row was changed later, fail: do nothing; skip: leave such rows and those "
                  "that depend on them; force: write the old values anyway")
      ->check(CLI::IsMember({"fail", "skip", "force"}))
      ->capture_default_str();
  command.add_flag("--cascade", options.cascade,
                   "Also undo later changes that depend on the selected ones");
  command.add_option("--max-rows", options.rows_max, "Refuse a plan with more than N rows")
      ->check(CLI::NonNegativeNumber)
      ->capture_default_str();
  command.add_flag("--no-triggers", options.no_triggers,
                   "Fire none of the tables' own triggers; needs the tables' owner");
  command.add_option("--actor", options.actor,
                     "The person who undoes, for the history [default: $USER]");
  command.add_option("--reason", options.reason, "The reason, for the history");
  command
      .add_option("--timeout", options.timeout_s,
                  "The seconds to wait for the history; 0 waits for ever")
      ->capture_default_str();
  command
      .add_option("--format", options.select.format,
                  "The output: table for people, json for programs")
      ->check(CLI::IsMember({"table", "json"}))
      ->capture_default_str();
  add_revert_connections(command, config);
}

void add_mark(CLI::App& app, host::Config& config, MarkOptions& mark, const base::Interrupt& stop,
              const AddCommand& add, int (*report)(const base::Error&)) {
  CLI::App* parent =
      app.add_subcommand("mark", "Name states of the source, go back to them and forward again");
  parent->require_subcommand(1);
  auto named = [&](CLI::App* command) {
    command->add_option("NAME", mark.name, "The mark's name")->required();
    add_revert_connections(*command, config);
    command
        ->add_option("--timeout", mark.timeout_s,
                     "The seconds to wait for the history; 0 waits for ever")
        ->capture_default_str();
    return command;
  };
  CLI::App* create =
      named(add(*parent, "create", "Name the current state", [&config, &mark, &stop, report] {
        return exit_code(mark_create_command(config, mark, stop), report);
      }));
  create->add_option("--comment", mark.comment, "A note on the mark's purpose");
  create->add_flag("--protect", mark.protect, "Refuse to delete this mark or to roll back past it");

  CLI::App* list =
      add(*parent, "list", "List the marks with the number of changes since",
          [&config, &mark, report] { return exit_code(mark_list_command(config, mark), report); });
  list->add_option("--format", mark.format,
                   "The output: table for people, json for one object a line, or csv")
      ->check(CLI::IsMember({"table", "json", "csv"}))
      ->capture_default_str();
  add_revert_connections(*list, config);

  named(add(*parent, "rollback", "Bring tables and sequences back to the mark's state",
            [&config, &mark, &stop, report] {
              return exit_code(mark_rollback_command(config, mark, stop), report);
            }))
      ->add_flag("--force", mark.force, "Roll back even past a protected mark");

  named(add(*parent, "forward", "Undo the last rollback to the mark",
            [&config, &mark, &stop, report] {
              return exit_code(mark_forward_command(config, mark, stop), report);
            }));

  named(add(*parent, "delete", "Delete a mark; no data changes", [&config, &mark, report] {
    return exit_code(mark_delete_command(config, mark), report);
  }))->add_flag("--force", mark.force, "Delete even a protected mark");
}

}  // namespace

void add_revert_commands(CLI::App& app, host::Config& config, RevertProgram& program,
                         const base::Interrupt& stop, const AddCommand& add,
                         int (*report)(const base::Error&)) {
  RevertOptions& options = program.revert;
  CLI::App* revert = add(app, "revert", "Undo changes: print the plan, or execute it with --apply",
                         [&app, &config, &options, &stop, report] {
                           options.apply = app.get_subcommand("revert")->count("--apply") > 0;
                           return exit_code(revert_command(config, options, stop), report);
                         });
  ChangesOptions& select = options.select;
  add_filter_options(*revert, select, "CREATE, UPDATE, DELETE or TRUNCATE");
  revert->add_option("--trace", options.trace, "The trace id in the context")->type_name("ID");
  revert->add_option("--change", options.changes, "The id of a single change")->type_name("ID");
  add_wait(*revert, select.wait,
           "Wait this long, such as 30s, until the history has reached --since and --until");
  add_policy_options(*revert, config, options);

  CLI::App* redo = add(
      app, "redo", "Redo what the last revert undid: print the plan, or execute it with --apply",
      [&app, &config, &options, &stop, report] {
        options.apply = app.get_subcommand("redo")->count("--apply") > 0;
        return exit_code(redo_command(config, options, stop), report);
      });
  redo->add_option("--transaction", select.transaction,
                   "The id of the revert's own transaction [default: the last revert]")
      ->type_name("ID");
  add_policy_options(*redo, config, options);
  add_mark(app, config, program.mark, stop, add, report);
}

}  // namespace bemi::cli
