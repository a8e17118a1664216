// SPDX-License-Identifier: LGPL-3.0-or-later
#include <iostream>

#include <fmt/format.h>

#include "base/json.hpp"
#include "base/printable.hpp"
#include "cli/output.hpp"
#include "cli/revert_output.hpp"
#include "cli/verbs/revert_options.hpp"
#include "host/connections.hpp"
#include "host/revert_ends.hpp"
#include "revert/mark.hpp"

namespace bemi::cli {
namespace {

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

}  // namespace

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
  return revert::delete_mark(ends->ends(), options.name, options.force);
}

}  // namespace bemi::cli
