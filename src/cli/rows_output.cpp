// SPDX-License-Identifier: LGPL-3.0-or-later
#include "cli/rows_output.hpp"

#include <iostream>

#include "base/json.hpp"

namespace bemi::cli {
namespace {

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
      base::append_json_string(line, columns[i].differs ? unmarked(*cell) : *cell);
    } else {
      line += *cell;
    }
  }
  return line + "}\n";
}

Table table_of(const pg::Rows& rows, const Columns& columns, bool all) {
  Table table;
  for (const Column& column : columns) {
    if (!all && !column.in_table) continue;
    if (column.differs && !all) table.marked = table.headers.size();
    table.headers.emplace_back(column.name);
  }
  for (int row = 0; row < rows.count(); ++row) {
    auto& cells = table.rows.emplace_back();
    for (std::size_t i = 0; i < columns.size(); ++i) {
      if (!all && !columns[i].in_table) continue;
      Cell cell = cell_of(rows, row, static_cast<int>(i));
      cells.push_back(all && cell && columns[i].differs ? unmarked(*cell) : std::move(cell));
    }
  }
  return table;
}

}  // namespace

Cell cell_of(const pg::Rows& rows, int row, int column) {
  auto value = rows.get(row, column);
  return value ? Cell(std::string(*value)) : std::nullopt;
}

void print(const pg::Rows& rows, const Columns& columns, const std::string& format, bool first) {
  if (format == "json") {
    for (int row = 0; row < rows.count(); ++row) std::cout << json_line(rows, row, columns);
  } else if (format == "csv") {
    std::cout << render_csv(table_of(rows, columns, /*all=*/true), first);
  } else {
    std::cout << render_table(table_of(rows, columns, /*all=*/false), terminal_width(),
                              use_colour());
  }
  std::cout.flush();
}

}  // namespace bemi::cli
