// SPDX-License-Identifier: LGPL-3.0-or-later
#include "query/reach.hpp"

#include "change/key_text.hpp"

namespace bemi::query {
namespace {

// Each step is ten times the one before: a search that goes all the way costs a tenth more.
constexpr const char* select_floors = R"(
select t.since::text
from (values (interval '3 days'), (interval '30 days'), (interval '300 days')) r (back)
cross join lateral (select least(coalesce($1::timestamptz, now()), now()) - r.back as since) t
order by r.back)";

// So many spans that the planner would look at nearly all partitions anyway are no help.
constexpr const char* select_record_times = R"(
select case when count(*) between 1 and 100 then '(' || string_agg(
         format('effective_at >= %L and effective_at < %L', t.since, t.until), ' or ') || ')' else '' end
from _bemi.times_of_keys($1, array[$2], '-infinity', 'infinity') t)";

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

base::Result<std::string> times_of_record(pg::Connection& destination, const ChangeFilter& filter) {
  if (!filter.table || !filter.primary_key) return std::string();
  TRY_ASSIGN(pg::Rows rows,
             destination.query(select_record_times,
                               {filter.table->table, change::asked_key_name(*filter.primary_key)}));
  return rows.text(0, 0);
}

void add_floor(Where& where, const std::optional<std::string>& floor) {
  if (floor) where.add("effective_at >= {}::timestamptz", *floor);
}

}  // namespace bemi::query
