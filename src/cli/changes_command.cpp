// SPDX-License-Identifier: LGPL-3.0-or-later
#include <algorithm>
#include <cctype>
#include <chrono>
#include <iostream>

#include "base/json.hpp"
#include "cli/commands.hpp"
#include "cli/ends.hpp"
#include "cli/output.hpp"
#include "store/archive.hpp"
#include "store/schema.hpp"

namespace cli {
namespace {

constexpr std::chrono::milliseconds follow_pause{200};
constexpr std::int64_t follow_page = 1000;

// In the order of query::change_columns.
enum Column : int {
  schema_column = 3,
  table_column,
  key_column,
  operation_column,
  before_column,
  after_column,
  context_column,
  committed_at_column
};
constexpr int json_columns[] = {before_column, after_column, context_column, 19, 20};
constexpr int number_columns[] = {14, 15, 16, 17, 18};

base::Result<query::ChangeFilter> filter_of(const ChangesOptions& options) {
  query::ChangeFilter filter;
  if (!options.table.empty()) {
    TRY_ASSIGN(filter.table, query::parse_table_name(options.table));
  }
  auto given = [](const std::string& text) {
    return text.empty() ? std::nullopt : std::optional(text);
  };
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

bool contains(const auto& columns, int column) {
  return std::ranges::find(columns, column) != std::end(columns);
}

// One object a line: every column, JSON columns as JSON.
std::string json_line(const pg::Rows& rows, int row) {
  std::string line = "{";
  for (int column = 0; column < rows.columns(); ++column) {
    if (column > 0) line += ", ";
    base::append_json_string(line, query::change_columns[static_cast<std::size_t>(column)]);
    line += ": ";
    auto value = rows.get(row, column);
    if (!value) {
      line += "null";
    } else if (contains(json_columns, column) || contains(number_columns, column)) {
      line += *value;
    } else {
      base::append_json_string(line, *value);
    }
  }
  return line + "}\n";
}

std::vector<Cell> cells_of(const pg::Rows& rows, int row, const std::vector<int>& columns) {
  std::vector<Cell> cells;
  for (int column : columns) {
    auto value = rows.get(row, column);
    cells.push_back(value ? Cell(std::string(*value)) : std::nullopt);
  }
  return cells;
}

Table table_of(const pg::Rows& rows, const std::vector<int>& columns) {
  Table table;
  for (int column : columns) {
    table.headers.push_back(query::change_columns[static_cast<std::size_t>(column)]);
  }
  for (int row = 0; row < rows.count(); ++row) table.rows.push_back(cells_of(rows, row, columns));
  return table;
}

void print(const pg::Rows& rows, const std::string& format, bool first) {
  static const std::vector<int> shown{key_column,         table_column, operation_column,
                                      before_column,      after_column, context_column,
                                      committed_at_column};
  static const std::vector<int> all = [] {
    std::vector<int> columns(query::change_columns.size());
    for (std::size_t i = 0; i < columns.size(); ++i) columns[i] = static_cast<int>(i);
    return columns;
  }();
  if (format == "json") {
    for (int row = 0; row < rows.count(); ++row) std::cout << json_line(rows, row);
  } else if (format == "csv") {
    std::cout << render_csv(table_of(rows, all), first);
  } else {
    std::cout << render_table(table_of(rows, shown), terminal_width());
  }
  std::cout.flush();
}

void advance(std::vector<query::Position>& seen, const pg::Rows& rows) {
  for (int row = 0; row < rows.count(); ++row) {
    query::Position position{rows.text(row, 1), rows.integer(row, 16), rows.integer(row, 17),
                             rows.integer(row, 18)};
    auto known = std::ranges::find(seen, position.source, &query::Position::source);
    if (known == seen.end()) {
      seen.push_back(std::move(position));
    } else {
      *known = std::move(position);
    }
  }
}

// The file's rows in a table of this session alone.
base::Result<query::Changes> open_archive(pg::Connection& destination, const std::string& file) {
  constexpr const char* table = "pg_temp.bemi_archive";
  TRY_ASSIGN(std::string schema, store::history_schema(destination));
  TRY(destination.run(std::string("create temp table bemi_archive (like ") +
                      store::changes_name(schema) + " including defaults)"));
  TRY(store::load_archive(destination, file, table));
  TRY(destination.run(std::string("analyze ") + table));
  return query::Changes::in(destination, table);
}

base::Status search_archive(const Config& config, const ChangesOptions& options) {
  TRY_ASSIGN(query::ChangeFilter filter, filter_of(options));
  TRY_ASSIGN(pg::Connection destination, open_destination(config, Access::read_write));
  TRY_ASSIGN(query::Changes changes, open_archive(destination, options.archive));
  TRY_ASSIGN(pg::Rows page, changes.newest(filter, options.limit));
  print(page, options.format, true);
  return {};
}

}  // namespace

base::Status changes_command(const Config& config, const ChangesOptions& options,
                             const base::Interrupt& stop) {
  if (!options.archive.empty()) return search_archive(config, options);
  TRY_ASSIGN(query::ChangeFilter filter, filter_of(options));
  TRY_ASSIGN(pg::Connection destination, open_destination(config, Access::read_only));
  TRY_ASSIGN(query::Changes changes, query::Changes::open(destination));
  // Before the page: what comes between both is shown, not lost.
  TRY_ASSIGN(std::vector<query::Position> seen, changes.ends());
  TRY_ASSIGN(pg::Rows page, changes.newest(filter, options.limit));
  print(page, options.format, true);
  if (!options.follow) return {};
  advance(seen, page);
  while (!stop.triggered() && std::cout.good()) {
    TRY_ASSIGN(pg::Rows fresh, changes.after(filter, seen, follow_page));
    if (!fresh.empty()) print(fresh, options.format, false);
    advance(seen, fresh);
    if (fresh.count() < follow_page) base::pause(&stop, follow_pause);
  }
  return {};
}

}  // namespace cli
