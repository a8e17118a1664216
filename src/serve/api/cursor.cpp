// SPDX-License-Identifier: LGPL-3.0-or-later
#include "serve/api/cursor.hpp"

#include <algorithm>
#include <vector>

#include "base/number.hpp"

namespace bemi::serve {
namespace {

// "2026-11-23 17:09:14.123456+00" travels without what an address would have to escape.
std::string moved(std::string text, char from, char to) {
  std::ranges::replace(text, from, to);
  return text;
}

}  // namespace

std::string write_cursor(const query::Cursor& cursor) {
  std::string at = moved(moved(cursor.effective_at, ' ', 'T'), '+', 'p');
  return at + "_" + std::to_string(cursor.commit_position) + "_" + std::to_string(cursor.sequence) +
         "_" + cursor.id;
}

base::Result<query::Cursor> read_cursor(std::string_view text) {
  std::vector<std::string> parts(1);
  for (char c : text) {
    if (c == '_') {
      parts.emplace_back();
    } else {
      parts.back().push_back(c);
    }
  }
  auto number = [&](std::size_t part) { return base::parse_number<std::int64_t>(parts[part]); };
  if (parts.size() != 4 || !number(1) || !number(2)) {
    return base::fail(base::ErrorKind::usage, "cursor: not a cursor returned by this API");
  }
  return query::Cursor{moved(moved(parts[0], 'T', ' '), 'p', '+'), *number(1), *number(2),
                       parts[3]};
}

}  // namespace bemi::serve
