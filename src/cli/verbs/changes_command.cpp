// SPDX-License-Identifier: LGPL-3.0-or-later
#include <algorithm>
#include <cctype>
#include <chrono>
#include <iostream>

#include "base/printable.hpp"
#include "change/change_columns.hpp"
#include "cli/rows_output.hpp"
#include "cli/verbs/commands.hpp"
#include "host/connections.hpp"
#include "store/archive.hpp"
#include "store/schema.hpp"

namespace bemi::cli {
namespace {

constexpr std::chrono::milliseconds follow_pause{200};
constexpr std::int64_t follow_page = 1000;

Columns as_shown() {
  Columns columns;
  for (const change::ChangeColumn& column : change::change_columns) {
    columns.push_back({.name = column.name, .form = column.form, .in_table = column.in_table});
  }
  return columns;
}

std::optional<std::string> given(const std::string& text) {
  return text.empty() ? std::nullopt : std::optional(text);
}

base::Result<query::ChangeFilter> filter_of(const ChangesOptions& options) {
  query::ChangeFilter filter;
  if (!options.table.empty()) {
    TRY_ASSIGN(filter.table, query::parse_table_name(options.table));
  }
  filter.primary_key = given(options.primary_key);
  filter.operation = given(options.operation);
  if (filter.operation) {
    std::ranges::transform(*filter.operation, filter.operation->begin(),
                           [](unsigned char c) { return static_cast<char>(std::toupper(c)); });
  }
  filter.context = options.context;
  if (options.transaction != 0) filter.transaction = options.transaction;
  filter.since = given(options.since);
  filter.until = given(options.until);
  filter.source = given(options.source);
  return filter;
}

void advance(std::vector<query::Position>& seen, const pg::Rows& rows) {
  for (int row = 0; row < rows.count(); ++row) {
    query::Position position{rows.text(row, change::change_column("source")),
                             rows.integer(row, change::change_column("epoch")),
                             rows.integer(row, change::change_column("commit_position")),
                             rows.integer(row, change::change_column("sequence"))};
    auto known = std::ranges::find(seen, position.source, &query::Position::source);
    if (known == seen.end()) {
      seen.push_back(std::move(position));
    } else {
      *known = std::move(position);
    }
  }
}

base::Result<pg::Rows> page_of(query::Changes& changes, const query::ChangeFilter& filter,
                               const ChangesOptions& options) {
  if (!options.after.empty()) return changes.next(filter, options.limit, options.after);
  return changes.newest(filter, options.limit, given(options.before));
}

// A reader of the history may lack the rights to compare.
base::Status compare(pg::Connection& destination, const std::string& file) {
  TRY_ASSIGN(store::Archive archive, store::describe_archive(file));
  auto standing = store::standing_of(destination, archive);
  if (!standing && standing.error().kind != base::ErrorKind::permission)
    return std::unexpected(standing.error());
  if (standing && *standing == store::Standing::recorded) return {};
  if (standing && *standing == store::Standing::changed) {
    return base::fail(base::ErrorKind::conflict,
                      file + " is damaged, or somebody has changed it: it is not what was written",
                      "take another copy of the file");
  }
  std::cerr << "bemi: " << base::printable(file)
            << (standing ? ": this history has no digest of it; it is read as it is\n"
                         : ": only the history's owner can compare it; it is read as it is\n");
  return {};
}

// The file's rows in a table of this session alone.
base::Result<query::Changes> open_archive(pg::Connection& destination, const std::string& file) {
  constexpr const char* table = "pg_temp.bemi_archive";
  TRY_ASSIGN(std::string schema, store::history_schema(destination));
  TRY(compare(destination, file));
  TRY(destination.run(std::string("create temp table bemi_archive (like ") +
                      store::changes_name(schema) + " including defaults)"));
  TRY(store::load_archive(destination, file, table));
  TRY(destination.run(std::string("analyze ") + table));
  return query::Changes::in(destination, table);
}

base::Status search_archive(const host::Config& config, const ChangesOptions& options) {
  TRY_ASSIGN(query::ChangeFilter filter, filter_of(options));
  TRY_ASSIGN(pg::Connection destination, host::open_destination(config, host::Access::read_write));
  TRY_ASSIGN(query::Changes changes, open_archive(destination, options.archive));
  TRY_ASSIGN(pg::Rows page, page_of(changes, filter, options));
  print(page, as_shown(), options.format);
  return {};
}

// For a person, on the way to the next page.
void hint_at_more(const ChangesOptions& options, const pg::Rows& page) {
  if (options.format != "table" || page.count() < options.limit || page.empty()) return;
  if (!terminal_width()) return;
  bool onwards = !options.after.empty();
  std::cerr << (onwards ? "newer ones: --after " : "older ones: --before ")
            << page.text(onwards ? page.count() - 1 : 0, change::change_column("id")) << "\n";
}

}  // namespace

base::Status changes_command(const host::Config& config, const ChangesOptions& options,
                             const base::Interrupt& stop) {
  if (!options.archive.empty()) return search_archive(config, options);
  TRY_ASSIGN(query::ChangeFilter filter, filter_of(options));
  TRY_ASSIGN(pg::Connection destination, host::open_destination(config, host::Access::read_only));
  TRY_ASSIGN(query::Changes changes, query::Changes::open(destination));
  // Before the page: what comes between both is shown, not lost.
  TRY_ASSIGN(std::vector<query::Position> seen, changes.ends());
  TRY_ASSIGN(pg::Rows page, page_of(changes, filter, options));
  print(page, as_shown(), options.format);
  if (!options.follow) hint_at_more(options, page);
  if (!options.follow) return {};
  advance(seen, page);
  while (!stop.triggered() && std::cout.good()) {
    auto fresh = changes.after(filter, seen, follow_page);
    if (!fresh && stop.triggered()) break;  // Ctrl-C is how one ends it
    if (!fresh) return std::unexpected(fresh.error());
    if (!fresh->empty()) print(*fresh, as_shown(), options.format, /*first=*/false);
    advance(seen, *fresh);
    if (fresh->count() < follow_page) base::pause(&stop, follow_pause);
  }
  return {};
}

}  // namespace bemi::cli
