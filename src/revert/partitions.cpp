// SPDX-License-Identifier: LGPL-3.0-or-later
#include "revert/partitions.hpp"

#include <nlohmann/json.hpp>

namespace revert {
namespace {

// Types that any server has, since it is the destination that looks at the rows; there a hash is
// another one.
constexpr const char* select_partitions = R"(
select n.nspname, c.relname, pg_partition_root(c.oid)::oid::bigint, d.said,
       (select string_agg(format('%I %s', a.attname, format_type(a.atttypid, a.atttypmod)), ', ' order by a.attnum)
        from pg_attribute a join pg_type t on t.oid = a.atttypid
        where a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped
          and t.typnamespace = 'pg_catalog'::regnamespace)
from jsonb_array_elements($1::jsonb) as name (parts)
join pg_namespace n on n.nspname = name.parts ->> 0
join pg_class c on c.relnamespace = n.oid and c.relname = name.parts ->> 1 and c.relispartition
cross join lateral pg_get_partition_constraintdef(c.oid) as d (said)
where d.said is not null and d.said not like '%satisfies_hash_partition%')";

}  // namespace

base::Result<std::vector<EmptiedPartition>> find_partitions(
    pg::Connection& source, const std::vector<std::pair<std::string, std::string>>& names) {
  std::vector<EmptiedPartition> found;
  if (names.empty()) return found;
  nlohmann::json list = nlohmann::json::array();
  for (const auto& [schema, table] : names) list.push_back({schema, table});
  TRY_ASSIGN(pg::Rows rows, source.query(select_partitions, {list.dump()}));
  for (int row = 0; row < rows.count(); ++row) {
    if (!rows.get(row, 4)) continue;
    found.push_back({.schema = rows.text(row, 0),
                     .table = rows.text(row, 1),
                     .root = rows.integer(row, 2),
                     .constraint = rows.text(row, 3),
                     .columns = rows.text(row, 4)});
  }
  return found;
}

}  // namespace revert
