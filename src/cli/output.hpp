// SPDX-License-Identifier: LGPL-3.0-or-later
//
// The commands' output: a table for a person, JSON lines or CSV for a program.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace bemi::cli {

using Cell = std::optional<std::string>;  // nullopt: SQL NULL

struct Table {
  std::vector<std::string> headers;
  std::vector<std::vector<Cell>> rows;
  std::optional<std::size_t> marked;  // a column with the marks of query/past.hpp
};

// Box-drawn and fitted to the terminal's width there; plain and whole elsewhere. What has too many
// columns for the terminal is printed row by row, a line for each value.
std::string render_table(const Table& table, std::optional<std::size_t> width, bool colour = false);
std::string render_csv(const Table& table, bool with_header);

// One line, cut at `width` columns; `marked`: with the marks of query/past.hpp.
std::string cut(std::string_view text, std::size_t width, bool marked, bool colour);

// Without the marks of query/past.hpp.
std::string unmarked(std::string_view text);

// The terminal's width when stdout is one.
std::optional<std::size_t> terminal_width();
bool use_colour();

}  // namespace bemi::cli
