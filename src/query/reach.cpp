// SPDX-License-Identifier: LGPL-3.0-or-later
#include "query/reach.hpp"

#include <fmt/format.h>

#include "change/key_text.hpp"

namespace bemi::query {
namespace {

// Each step is ten times the one before: a search that goes all the way costs a tenth more.
constexpr const char* select_floors = R"(
select t.since::text
from (values (interval '3 days'), (interval '30 days'), (interval '300 days')) r (back)
cross join lateral (select least(coalesce($1::timestamptz, now()), now()) - r.back as since) t
order by r.back)";

// The newest hundred spans, and all that is older than these.
constexpr const char* select_spans = R"(
select case when t.n <= 100 then format('effective_at >= %L and effective_at < %L', t.since, t.until)
            else format('effective_at < %L', t.until) end
from (select t.*, row_number() over (order by t.since desc) as n from )";
constexpr const char* of_keys =
    "_bemi.times_of_keys($1, array[$2], '-infinity', 'infinity') t) t where t.n <= 101";
constexpr const char* of_contexts =
    "_bemi.times_of_contexts($1::jsonb, '-infinity', 'infinity') t) t where t.n <= 101";

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

base::Result<std::string> among_times(pg::Connection& destination, const ChangeFilter& filter,
                                      const std::string& changes) {
  std::string sql(select_spans);
  std::vector<pg::Parameter> asked;
  if (filter.table && filter.primary_key) {
    sql += of_keys;
    asked = {filter.table->table, change::asked_key_name(*filter.primary_key)};
  } else if (!filter.context.empty()) {
    sql += of_contexts;
    TRY_ASSIGN(std::string contexts, contexts_of(filter));
    asked = {contexts};
  } else {
    return changes;
  }
  TRY_ASSIGN(pg::Rows rows, destination.query(sql, asked));
  std::string parts;
  for (int row = 0; row < rows.count(); ++row) {
    parts += fmt::format("{}select * from {} where {}", row == 0 ? "" : " union all ", changes,
                         rows.text(row, 0));
  }
  return parts.empty() ? changes : "(" + parts + ") changes";
}

void add_floor(Where& where, const std::optional<std::string>& floor) {
  if (floor) where.add("effective_at >= {}::timestamptz", *floor);
}

}  // namespace bemi::query
