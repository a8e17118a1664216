// SPDX-License-Identifier: LGPL-3.0-or-later
//
// A query's rows as a command prints them: a table for a person, JSON lines or CSV for a program.
#pragma once

#include <string>
#include <vector>

#include "cli/output.hpp"
#include "pg/rows.hpp"

namespace bemi::cli {

// How a result's column goes into JSON.
enum class Form : char { text, number, json };
struct Column {
  const char* name;
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
