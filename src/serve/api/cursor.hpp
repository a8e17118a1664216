// SPDX-License-Identifier: LGPL-3.0-or-later
//
// A page's end as text that only we read.
#pragma once

#include <string>
#include <string_view>

#include "query/feed.hpp"

namespace bemi::serve {

std::string write_cursor(const query::Cursor& cursor);
// Error of kind usage: not one of ours.
base::Result<query::Cursor> read_cursor(std::string_view text);

}  // namespace bemi::serve
