// SPDX-License-Identifier: LGPL-3.0-or-later
//
// A table's rows as of a time, by the way that costs least and knows them all.
#pragma once

#include <vector>

#include "query/plan.hpp"

namespace bemi::query {

// In the order of their keys, numbers in theirs: 2 before 10. Where neither way knows all rows, the
// error says of both why.
base::Result<std::vector<PastRow>> as_of(pg::Connection& history, Plan& plan, const Asked& asked);

}  // namespace bemi::query
