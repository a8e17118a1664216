// SPDX-License-Identifier: LGPL-3.0-or-later
#include "query/reach.hpp"

namespace bemi::query {
namespace {

// Each step is ten times the one before: a search that goes all the way costs a tenth more.
constexpr const char* select_floors = R"(
select t.since::text
from (values (interval '3 days'), (interval '30 days'), (interval '300 days')) r (back)
cross join lateral (select least(coalesce($1::timestamptz, now()), now()) - r.back as since) t
order by r.back)";

}  // namespace

base::Result<Floors> floors_of(pg::Connection& destination, const ChangeFilter& filter,
                               const std::optional<std::string>& before) {
  Floors floors;
  // A filter with a start or with ids is narrow already.
  if (!filter.since && filter.ids.empty()) {
    const auto& end = before ? before : filter.until;
    TRY_ASSIGN(pg::Rows rows, destination.query(select_floors, {end}));
    for (int row = 0; row < rows.count(); ++row) floors.emplace_back(rows.text(row, 0));
  }
  floors.emplace_back(std::nullopt);
  return floors;
}

void add_floor(Where& where, const std::optional<std::string>& floor) {
  if (floor) where.add("effective_at >= {}::timestamptz", *floor);
}

}  // namespace bemi::query
