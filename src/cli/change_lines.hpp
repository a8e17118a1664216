// SPDX-License-Identifier: LGPL-3.0-or-later
//
// Changes as a person reads them in a terminal: when, what and who in a line, and below it what
// became of each value. A table of twelve columns shows none of it in 80 columns.
#pragma once

#include <cstddef>
#include <string>
#include <vector>

namespace bemi::cli {

// Of a time as PostgreSQL writes it: 2026-11-27 14:00:00
inline constexpr std::size_t to_the_second = 19;

struct ChangeLine {
  std::string at;       // as PostgreSQL writes it; shown to the second
  std::string what;     // "update todo 7"
  std::string context;  // JSON
  std::string changes;  // with the marks of query/past.hpp
};

// Who did it, of the keys that applications use; "no context" where there is none.
std::string who_of(const std::string& context);

std::string render_lines(const std::vector<ChangeLine>& lines, std::size_t width, bool colour);

}  // namespace bemi::cli
