// SPDX-License-Identifier: LGPL-3.0-or-later
//
// What commands print: a table for a person, JSON lines or CSV for a program.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace cli {

using Cell = std::optional<std::string>;  // nullopt: SQL NULL

struct Table {
  std::vector<std::string> headers;
  std::vector<std::vector<Cell>> rows;
};

// Box-drawn and fitted to the terminal's width there; plain and whole elsewhere.
std::string render_table(const Table& table, std::optional<std::size_t> width);
std::string render_csv(const Table& table, bool with_header);

// The terminal's width when stdout is one.
std::optional<std::size_t> terminal_width();
bool use_colour();

}  // namespace cli
