// SPDX-License-Identifier: LGPL-3.0-or-later
//
// Rows of a table that differ between two times.
#pragma once

#include "query/plan.hpp"

namespace bemi::query {

// primary_key, operation, changes (readable), before, after. `asked` without its moment.
base::Result<pg::Rows> diff(pg::Connection& history, const Reach& reach, const Asked& asked,
                            const std::string& from, const std::string& to);

}  // namespace bemi::query
