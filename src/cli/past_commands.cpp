// SPDX-License-Identifier: LGPL-3.0-or-later
//
// history, as-of, diff, trends, transactions.
#include <algorithm>
#include <iostream>

#include <nlohmann/json.hpp>

#include "base/json.hpp"
#include "cli/commands.hpp"
#include "cli/ends.hpp"
#include "cli/output.hpp"
#include "query/past.hpp"

namespace cli {
namespace {

constexpr std::int64_t bar_width = 40;

// How a result's column goes into JSON.
enum class Form : char { text, number, json };
struct Column {
  const char* name;
  Form form = Form::text;
  bool in_table = true;
};
using Columns = std::vector<Column>;

query::PastOptions past_options(const PastOptions& options) {
  return {.source = options.source.empty() ? std::nullopt : std::optional(options.source),
          .partial = options.partial,
          .allow_stale = options.allow_stale};
}

Cell cell_of(const pg::Rows& rows, int row, int column) {
  auto value = rows.get(row, column);
  return value ? Cell(std::string(*value)) : std::nullopt;
}

std::string json_line(const pg::Rows& rows, int row, const Columns& columns) {
  std::string line;
  for (std::size_t i = 0; i < columns.size(); ++i) {
    line += line.empty() ? "{" : ", ";
    base::append_json_string(line, columns[i].name);
    line += ": ";
    Cell cell = cell_of(rows, row, static_cast<int>(i));
    if (!cell) {
      line += "null";
    } else if (columns[i].form == Form::text) {
      base::append_json_string(line, *cell);
    } else {
      line += *cell;
    }
  }
  return line + "}\n";
}

Table table_of(const pg::Rows& rows, const Columns& columns, bool all) {
  Table table;
  for (const Column& column : columns) {
    if (all || column.in_table) table.headers.emplace_back(column.name);
  }
  for (int row = 0; row < rows.count(); ++row) {
    auto& cells = table.rows.emplace_back();
    for (std::size_t i = 0; i < columns.size(); ++i) {
      if (all || columns[i].in_table) cells.push_back(cell_of(rows, row, static_cast<int>(i)));
    }
  }
  return table;
}

void print(const pg::Rows& rows, const Columns& columns, const std::string& format) {
  if (format == "json") {
    for (int row = 0; row < rows.count(); ++row) std::cout << json_line(rows, row, columns);
  } else if (format == "csv") {
    std::cout << render_csv(table_of(rows, columns, /*all=*/true), true);
  } else {
    std::cout << render_table(table_of(rows, columns, /*all=*/false), terminal_width());
  }
}

// The rows' own columns, as the newest of them has them.
Table past_table(const pg::Rows& rows) {
  Table table;
  for (int row = 0; row < rows.count(); ++row) {
    auto texts = nlohmann::ordered_json::parse(rows.text(row, 1), nullptr, false);
    if (!texts.is_object()) continue;
    for (const auto& [name, value] : texts.items()) {
      if (std::ranges::find(table.headers, name) == table.headers.end())
        table.headers.push_back(name);
    }
    auto& cells = table.rows.emplace_back();
    for (const std::string& name : table.headers) {
      auto found = texts.find(name);
      bool none = found == texts.end() || found->is_null();
      cells.push_back(none ? Cell() : Cell(found->get<std::string>()));
    }
  }
  for (auto& cells : table.rows) cells.resize(table.headers.size());
  return table;
}

void note_unknown(const pg::Rows& rows) {
  int marked = 0;
  for (int row = 0; row < rows.count(); ++row) marked += rows.get(row, 3) ? 1 : 0;
  if (marked > 0) {
    std::cerr << "bemi: " << marked
              << " rows have values that are not plainly known; see `fidelity` in --format csv\n";
  }
}

}  // namespace

base::Status history_command(const Config& config, const PastOptions& options) {
  TRY_ASSIGN(query::TableName table, query::parse_table_name(options.table));
  TRY_ASSIGN(pg::Connection destination, open_destination(config, Access::read_only));
  TRY_ASSIGN(pg::Rows rows, query::history(destination, table, options.key, past_options(options)));
  if (rows.empty()) {
    return base::fail(base::ErrorKind::usage,
                      "there is no change of " + options.table + " " + options.key,
                      "KEY is the text in the column primary_key of `changes`");
  }
  print(rows,
        {{"version", Form::number},
         {"valid_from"},
         {"valid_to"},
         {"operation"},
         {"changes"},
         {"changed", Form::json, false},
         {"context", Form::json},
         {"row", Form::json, false},
         {"transaction_id", Form::number, false},
         {"id", Form::text, false}},
        options.format);
  return {};
}

base::Status as_of_command(const Config& config, const PastOptions& options) {
  TRY_ASSIGN(query::TableName table, query::parse_table_name(options.table));
  TRY_ASSIGN(pg::Connection destination, open_destination(config, Access::read_only));
  auto key = options.key.empty() ? std::nullopt : std::optional(options.key);
  TRY_ASSIGN(pg::Rows rows,
             query::rows_as_of(destination, options.time, table, key, past_options(options)));
  if (options.format == "json") {
    for (int row = 0; row < rows.count(); ++row) std::cout << rows.text(row, 0) << '\n';
  } else if (options.format == "csv") {
    print(rows, {{"row"}, {"texts"}, {"exact"}, {"fidelity"}, {"primary_key"}}, "csv");
  } else {
    std::cout << render_table(past_table(rows), terminal_width());
  }
  note_unknown(rows);
  return {};
}

base::Status diff_command(const Config& config, const PastOptions& options) {
  TRY_ASSIGN(query::TableName table, query::parse_table_name(options.table));
  TRY_ASSIGN(pg::Connection destination, open_destination(config, Access::read_only));
  TRY_ASSIGN(pg::Rows rows,
             query::diff(destination, table, options.time, options.until, past_options(options)));
  print(rows,
        {{"primary_key"},
         {"operation"},
         {"changes"},
         {"before", Form::json, false},
         {"after", Form::json, false}},
        options.format);
  return {};
}

base::Status trends_command(const Config& config, const TrendsOptions& options) {
  TRY_ASSIGN(pg::Connection destination, open_destination(config, Access::read_only));
  auto source = options.source.empty() ? std::nullopt : std::optional(options.source);
  TRY_ASSIGN(pg::Rows rows, query::trends(destination, options.every, options.group_by,
                                          {options.since, options.until, source}));
  if (options.format != "table") {
    print(rows, {{"starts_at"}, {"group"}, {"changes", Form::number}}, options.format);
    return {};
  }
  std::int64_t most = 1;
  for (int row = 0; row < rows.count(); ++row) most = std::max(most, rows.integer(row, 2));
  Table table{.headers = {"starts_at", options.group_by, "changes", ""}, .rows = {}};
  for (int row = 0; row < rows.count(); ++row) {
    std::string bar;
    for (std::int64_t i = 0; i < (rows.integer(row, 2) * bar_width + most - 1) / most; ++i)
      bar += "█";
    table.rows.push_back(
        {cell_of(rows, row, 0), cell_of(rows, row, 1), cell_of(rows, row, 2), std::move(bar)});
  }
  std::cout << render_table(table, terminal_width());
  return {};
}

base::Status transactions_command(const Config& config, const TrendsOptions& options) {
  nlohmann::json context = nlohmann::json::object();
  for (const std::string& text : options.context) {
    std::size_t equals = text.find('=');
    if (equals == std::string::npos || equals == 0) {
      return base::fail(base::ErrorKind::usage, "not a context filter: " + text, "write KEY=VALUE");
    }
    auto scalar = nlohmann::json::parse(text.substr(equals + 1), nullptr, false);
    bool plain = scalar.is_number() || scalar.is_boolean();
    context[text.substr(0, equals)] = plain ? scalar : nlohmann::json(text.substr(equals + 1));
  }
  TRY_ASSIGN(pg::Connection destination, open_destination(config, Access::read_only));
  auto source = options.source.empty() ? std::nullopt : std::optional(options.source);
  TRY_ASSIGN(pg::Rows rows,
             query::transactions(destination, context.dump(),
                                 {options.since, options.until, source}, options.limit));
  print(rows,
        {{"effective_at"},
         {"transaction_id", Form::number},
         {"changes", Form::number},
         {"tables", Form::json},
         {"context", Form::json},
         {"source", Form::text, false}},
        options.format);
  return {};
}

}  // namespace cli
