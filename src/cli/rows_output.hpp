// SPDX-License-Identifier: LGPL-3.0-or-later
//
// A query's rows as a command prints them: a table for a person, JSON lines or CSV for a program.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "change/change_columns.hpp"
#include "cli/output.hpp"
#include "pg/rows.hpp"

namespace bemi::cli {

// The JSON form of a result's column.
using Form = change::ColumnForm;
struct Column {
  std::string_view name;
  Form form = Form::text;
  bool in_table = true;
  bool differs = false;  // what was and what is, marked as query/past.hpp has it
};
using Columns = std::vector<Column>;

Cell cell_of(const pg::Rows& rows, int row, int column);

// `first`: with CSV's header. To stdout.
void print(const pg::Rows& rows, const Columns& columns, const std::string& format,
           bool first = true);

}  // namespace bemi::cli
