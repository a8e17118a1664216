// SPDX-License-Identifier: LGPL-3.0-or-later
#include <iostream>
#include <memory>

#include <CLI/CLI.hpp>

#include "base/json.hpp"
#include "base/printable.hpp"
#include "cli/options.hpp"
#include "cli/output.hpp"
#include "cli/revert_output.hpp"
#include "cli/verbs/verbs.hpp"
#include "host/connections.hpp"
#include "host/revert_ends.hpp"
#include "host/stop.hpp"
#include "revert/mark.hpp"

namespace bemi::cli {
namespace {

struct MarkOptions {
  std::string name;
  std::string comment;
  bool protect = false;
  bool force = false;  // also a protected one
  std::string format = "table";
  int timeout_s = 60;
};

void warn_of(const std::vector<std::string>& not_covered) {
  if (not_covered.empty()) return;
  std::cerr << "bemi: not covered, as they are not tracked or not in the WAL: ";
  for (std::size_t i = 0; i < not_covered.size(); ++i) {
    std::cerr << (i > 0 ? ", " : "") << base::printable(not_covered[i]);
  }
  std::cerr << "\n";
}

Table table_of(const pg::Rows& rows) {
  Table table;
  for (int column = 0; column < rows.columns(); ++column) {
    table.headers.push_back(rows.column_name(column));
  }
  for (int row = 0; row < rows.count(); ++row) {
    auto& cells = table.rows.emplace_back();
    for (int column = 0; column < rows.columns(); ++column) {
      auto value = rows.get(row, column);
      cells.push_back(value ? Cell(std::string(*value)) : std::nullopt);
    }
  }
  return table;
}

std::string json_line(const pg::Rows& rows, int row) {
  std::string line;
  for (int column = 0; column < rows.columns(); ++column) {
    line += line.empty() ? "{" : ", ";
    base::append_json_string(line, rows.column_name(column));
    line += ": ";
    auto value = rows.get(row, column);
    if (value && rows.column_name(column) == "changes_since")
      line += *value;
    else if (value)
      base::append_json_string(line, *value);
    else
      line += "null";
  }
  return line + "}\n";
}

bool show(const revert::Outcome& done) {
  std::cout << render_plan(done.plan, use_colour());
  if (done.transaction_id != 0)
    std::cout << "Done, in transaction " << done.transaction_id << ".\n";
  return done.plan.conflict_count == 0;
}

base::Status mark_create_command(const host::Config& config, const MarkOptions& options,
                                 const base::Interrupt& stop) {
  TRY_ASSIGN(auto ends,
             host::RevertEnds::open(config, options.timeout_s, stop, host::Access::read_write));
  TRY_ASSIGN(revert::Mark mark,
             revert::create_mark(ends->ends(), {.name = options.name,
                                                .comment = options.comment,
                                                .is_protected = options.protect}));
  warn_of(mark.not_covered);
  std::cout << "mark " << mark.name << " is at " << mark.effective_at << "\n";
  return {};
}

base::Status mark_list_command(const host::Config& config, const MarkOptions& options) {
  TRY_ASSIGN(pg::Connection destination, host::open_destination(config, host::Access::read_only));
  TRY_ASSIGN(pg::Rows rows, revert::list_marks(destination));
  if (options.format == "json") {
    for (int row = 0; row < rows.count(); ++row) std::cout << json_line(rows, row);
  } else if (options.format == "csv") {
    std::cout << render_csv(table_of(rows), true);
  } else {
    std::cout << render_table(table_of(rows), terminal_width());
  }
  return {};
}

base::Result<bool> mark_rollback_command(const host::Config& config, const MarkOptions& options,
                                         const base::Interrupt& stop) {
  TRY_ASSIGN(auto ends,
             host::RevertEnds::open(config, options.timeout_s, stop, host::Access::read_write));
  host::announce("mark rollback", ends->ends().source);
  TRY_ASSIGN(revert::Outcome done,
             revert::roll_back(ends->ends(), options.name, options.force, host::default_actor()));
  return show(done);
}

base::Result<bool> mark_forward_command(const host::Config& config, const MarkOptions& options,
                                        const base::Interrupt& stop) {
  TRY_ASSIGN(auto ends,
             host::RevertEnds::open(config, options.timeout_s, stop, host::Access::read_write));
  host::announce("mark forward", ends->ends().source);
  TRY_ASSIGN(revert::Outcome done,
             revert::roll_forward(ends->ends(), options.name, host::default_actor()));
  return show(done);
}

base::Status mark_delete_command(const host::Config& config, const MarkOptions& options) {
  base::Interrupt never;
  TRY_ASSIGN(auto ends,
             host::RevertEnds::open(config, options.timeout_s, never, host::Access::read_write));
  host::announce("mark delete", ends->ends().destination);
  TRY(revert::delete_mark(ends->ends(), options.name, options.force));
  std::cout << "Deleted the mark " << options.name << ".\n";
  return {};
}

// All of them but list.
void add_named_options(CLI::App& command, host::Config& config, MarkOptions& options) {
  command.add_option("NAME", options.name, "The mark's name")->required();
  add_connection_options(command, config);
  add_revert_url_option(command, config, revert_url_about);
  command
      .add_option("--timeout", options.timeout_s,
                  "The seconds to wait for the history; 0 waits for ever")
      ->capture_default_str();
}

}  // namespace

void add_mark(Verbs& verbs) {
  host::Config& config = verbs.config();
  auto options = std::make_shared<MarkOptions>();
  CLI::App* parent = verbs.app().add_subcommand(
      "mark", "Name states of the source, go back to them and forward again");
  parent->require_subcommand(1);

  CLI::App& create = verbs.add(*parent, "create", "Name the current state", [&config, options] {
    return mark_create_command(config, *options, host::asked_to_stop());
  });
  add_named_options(create, config, *options);
  create.add_option("--comment", options->comment, "A note on the mark's purpose");
  create.add_flag("--protect", options->protect,
                  "Refuse to delete this mark or to roll back past it");

  CLI::App& list = verbs.add(*parent, "list", "List the marks with the number of changes since",
                             [&config, options] { return mark_list_command(config, *options); });
  add_format_option(list, options->format);
  add_connection_options(list, config);
  add_revert_url_option(list, config, revert_url_about);

  CLI::App& rollback =
      verbs.add(*parent, "rollback", "Bring tables and sequences back to the mark's state",
                [&config, options] {
                  return mark_rollback_command(config, *options, host::asked_to_stop());
                });
  add_named_options(rollback, config, *options);
  rollback.add_flag("--force", options->force, "Roll back even past a protected mark");

  CLI::App& forward = verbs.add(
      *parent, "forward", "Undo the last rollback to the mark",
      [&config, options] { return mark_forward_command(config, *options, host::asked_to_stop()); });
  add_named_options(forward, config, *options);

  CLI::App& remove =
      verbs.add(*parent, "delete", "Delete a mark; no data changes",
                [&config, options] { return mark_delete_command(config, *options); });
  add_named_options(remove, config, *options);
  remove.add_flag("--force", options->force, "Delete even a protected mark");
}

}  // namespace bemi::cli
