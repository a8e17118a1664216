// SPDX-License-Identifier: LGPL-3.0-or-later
//
// What the questions to the history have in common. `c` is a row of `changes` in all of them.
#pragma once

#include <string>

#include "pg/connection.hpp"
#include "revert/history.hpp"

namespace revert {

inline std::string literal(const std::string& text) { return pg::quote_literal(text); }

inline constexpr const char* row_changes = "operation in ('CREATE', 'UPDATE', 'DELETE')";

// Which changes are of the table, whatever its name was then.
std::string is_of(const PastTable& table, const std::string& source);

}  // namespace revert
