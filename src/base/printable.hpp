// SPDX-License-Identifier: LGPL-3.0-or-later
//
// Text of strangers on a terminal or in a log: names, keys and values may hold what moves the
// cursor, sets colours, turns the direction of writing or begins another line. Everything that is
// shown goes through here. Pure.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace bemi::base {

struct Character {
  std::size_t bytes = 1;
  std::uint32_t point = 0;  // of a byte that is no UTF-8: the byte
  // Not to be shown as it is: a control of C0 or C1, DEL, one that turns the direction of writing
  // or separates lines, or a byte that is no UTF-8.
  bool is_hidden = false;
};
// \pre `at` is within the text.
Character character_at(std::string_view text, std::size_t at);

// In one line, each hidden character written as JSON does: \n, \u001b. Within JSON text the result
// is the same JSON.
std::string printable(std::string_view text);

// For a text of several lines: indents every line after the first, so that none looks like a line
// of ours.
std::string printable_lines(std::string_view text);

// Appends the escape that printable() writes.
void append_escaped(std::string& out, std::uint32_t point);

}  // namespace bemi::base
