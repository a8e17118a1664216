// SPDX-License-Identifier: LGPL-3.0-or-later
#include "wal/application.hpp"

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "change/application_schema.hpp"
#include "wal/event_triggers.hpp"
#include "wal/sql.hpp"

namespace bemi::wal {
namespace {

// Our schema `bemi` has functions and views; a table in a schema of that name is somebody's.
constexpr const char* select_relations = R"(
with history as materialized ({0})
select coalesce(pg_catalog.jsonb_agg(c.oid::bigint order by c.oid), '[]')
from pg_catalog.pg_class c join pg_catalog.pg_namespace n on n.oid = c.relnamespace
where pg_catalog.strpos($1, c.relkind::text) > 0 and c.relpersistence <> 't' and not c.relispartition
  and {1} and not (n.nspname = 'bemi' and c.relkind in ('v', 'S'))
  and n.nspname <> all (array(select pg_catalog.jsonb_array_elements_text($2::jsonb)))
  and c.oid not in (select h.oid from history h)
  and not exists (select from pg_catalog.pg_depend d
                  where d.deptype = 'e' and (d.classid = 'pg_catalog.pg_class'::regclass and d.objid = c.oid
                                             or d.classid = 'pg_catalog.pg_namespace'::regclass and d.objid = n.oid)))";

}  // namespace

base::Result<std::string> application_relations(pg::Connection& source, const std::string& kinds) {
  TRY_ASSIGN(auto copies, copy_schemas(source));
  std::string statement = fmt::format(fmt::runtime(select_relations), sql::histories,
                                      change::application_schema("n.nspname"));
  TRY_ASSIGN(pg::Rows rows, source.query(statement, {kinds, nlohmann::json(copies).dump()}));
  return rows.text(0, 0);
}

}  // namespace bemi::wal
