// SPDX-License-Identifier: LGPL-3.0-or-later
#include "store/packing.hpp"

#include <fmt/format.h>

#include "store/schema.hpp"

namespace bemi::store {
namespace {

constexpr const char* packed = "Packed";

// The key and the index on time are filled in their own order, and full as they are.
constexpr const char* select_loose = R"(
select t.relname, c.relname, pg_relation_size(c.oid)
from pg_inherits h
join pg_class t on t.oid = h.inhrelid
join pg_index i on i.indrelid = t.oid
join pg_class c on c.oid = i.indexrelid
join pg_attribute a on a.attrelid = c.oid and a.attnum = 1
where h.inhparent = $1::regclass and i.indisvalid and a.attname not in ('id', 'effective_at')
  and pg_relation_size(c.oid) > $2::bigint and obj_description(c.oid, 'pg_class') is distinct from $3
order by t.relname, c.relname)";
constexpr const char* worthwhile_bytes = "262144";

// The leftover of a REINDEX CONCURRENTLY that was cut short.
constexpr const char* select_left = R"(
select c.relname from pg_index i join pg_class c on c.oid = i.indexrelid
where i.indrelid = $1::regclass and not i.indisvalid and c.relname ~ '_cc(new|old)[0-9]*$')";

}  // namespace

base::Result<LooseIndexes> loose_indexes(pg::Connection& destination, const std::string& schema) {
  TRY_ASSIGN(pg::Rows rows,
             destination.query(select_loose, {changes_name(schema), worthwhile_bytes, packed}));
  LooseIndexes indexes;
  for (int row = 0; row < rows.count(); ++row) {
    indexes[rows.text(row, 0)].push_back(
        {.name = rows.text(row, 1), .bytes = rows.integer(row, 2)});
  }
  return indexes;
}

base::Status pack(pg::Connection& destination, const std::string& schema, const std::string& window,
                  const std::vector<LooseIndex>& indexes) {
  TRY_ASSIGN(pg::Rows left, destination.query(select_left, {pg::quote_name(schema, window)}));
  for (int row = 0; row < left.count(); ++row) {
    TRY(destination.run("drop index concurrently if exists " +
                        pg::quote_name(schema, left.text(row, 0))));
  }
  for (const LooseIndex& index : indexes) {
    std::string name = pg::quote_name(schema, index.name);
    TRY(destination.run("reindex index concurrently " + name));
    TRY(destination.run(fmt::format("comment on index {} is {}", name, pg::quote_literal(packed))));
  }
  return {};
}

}  // namespace bemi::store
