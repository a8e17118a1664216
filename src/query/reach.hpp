// SPDX-License-Identifier: LGPL-3.0-or-later
//
// Limits how far back a page is looked for. Most pages lie within the last days, and a plan over
// years of partitions costs more than the page itself, so the search begins with the newest ones.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "pg/connection.hpp"
#include "query/change_filter.hpp"

namespace bemi::query {

// Times from which on to look, one after the other until the page is full, as PostgreSQL reads
// them; without a value, everything is looked at. `before`: where the page ends, else now.
using Floors = std::vector<std::optional<std::string>>;
base::Result<Floors> floors_of(pg::Connection& destination, const ChangeFilter& filter,
                               const std::optional<std::string>& before);

// Constants: the planner leaves out the partitions before it only by a value that it knows.
void add_floor(Where& where, const std::optional<std::string>& floor);

// The table of changes, or the parts of it that may have changes of the filter's record or
// contexts: one for each span of time, since the planner takes long over alternatives. They hold in
// the snapshot in which they were asked for; a change that comes late is missed, as if asked before
// it.
base::Result<std::string> among_times(pg::Connection& destination, const ChangeFilter& filter,
                                      const std::string& changes);

}  // namespace bemi::query
