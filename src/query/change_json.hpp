// SPDX-License-Identifier: LGPL-3.0-or-later
//
// SQL that makes JSON of a change, in PostgreSQL, so that every number keeps its digits. A change
// of more than `change_bytes_max` is made with its large values cut: `truncated` names them with
// their bytes, and the values say so themselves.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace bemi::query {

// The first of what there is in `table`, in order; to select change_json() from. Made into JSON
// only then: a row that is sorted away costs nothing.
std::string first_changes(const std::string& table, const std::string& clause,
                          std::string_view order, std::int64_t limit);

// `changes`, rows of the history as "(select ...) c", each with whether it is a large one.
std::string weighed(const std::string& changes);

// An expression over weighed() rows.
std::string change_json();

}  // namespace bemi::query
