// SPDX-License-Identifier: LGPL-3.0-or-later
#include "wal/tables.hpp"

#include <algorithm>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "change/application_schema.hpp"
#include "pg/table_guard.hpp"
#include "wal/event_triggers.hpp"
#include "wal/sql.hpp"

namespace bemi::wal {
namespace {

// A table counts as published by itself or by a partitioned ancestor. Values of over 2 kB stored
// out of line are what FULL would write into WAL again at each update. {0}: the tables of other
// publications with the columns that they publish; {1}: which generated columns belong to a row's
// identity; {2}: an index that identifies rows; {3}: the histories; {4}: which schemas are the
// application's; {5}: an index that has the whole primary key; {6}: a partition that is a foreign
// table.
constexpr const char* select_tables = R"(
with elsewhere as materialized ({0}),
history as materialized ({3})
select c.oid, n.nspname, c.relname, pg_get_userbyid(c.relowner), c.relreplident,
       exists (select 1 from pg_index i where i.indrelid = c.oid and i.indisprimary),
       c.relispartition, c.relkind = 'p', c.relpersistence = 'u',
       coalesce((select min(r.oid::bigint)
                 from (select c.oid as relid union select relid from pg_partition_ancestors(c.oid)) a
                 -- Each by the index on its table: the publication may have thousands of others.
                 cross join lateral (
                   select r.oid from pg_publication_rel r join pg_publication p on p.oid = r.prpubid
                   where r.prrelid = a.relid and p.pubname = $1 offset 0) r),
                (select p.oid::bigint from pg_publication p where p.pubname = $1 and p.puballtables), 0),
       exists (select 1 from pg_publication p join pg_publication_rel r on r.prpubid = p.oid
               where p.pubname = $1 and r.prrelid = c.oid
                 and coalesce(to_jsonb(r) ->> 'prqual', to_jsonb(r) ->> 'prattrs') is not null),
       coalesce(pg_relation_size(nullif(c.reltoastrelid, 0)), 0) > 1000000
         and coalesce(pg_relation_size(nullif(c.reltoastrelid, 0)), 0) > pg_relation_size(c.oid),
       case when c.oid in (select h.oid from history h) then 0
            when c.relkind = 'p'
            then coalesce((with recursive tree (oid) as (
                             select c.oid
                             union all
                             select i.inhrelid from tree join pg_inherits i on i.inhparent = tree.oid)
                           select sum(pg_table_size(tree.oid)) from tree where tree.oid <> c.oid), 0)::bigint
            else pg_table_size(c.oid) end,
       exists (select 1 from pg_attribute a where a.attrelid = c.oid and a.attgenerated = 'v'),
       coalesce((select e.pubname from elsewhere e
                 where e.schemaname = n.nspname and e.tablename = c.relname
                   and exists (select 1 from pg_attribute a
                               where a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped
                                 and {1} and a.attname <> all (e.attnames)) limit 1), ''),
       exists (select from pg_index i where {2}
               and case c.relreplident when 'd' then i.indisprimary
                                       when 'i' then i.indisreplident else false end),
       exists (select from pg_index i where i.indisprimary and {2}),
       coalesce((select x.relname from pg_index i join pg_class x on x.oid = i.indexrelid
                 where {2} and {5} order by i.indisprimary desc, i.indnatts, x.relname limit 1), ''),
       coalesce(rn.nspname, ''), coalesce(r.relname, ''),
       c.oid in (select h.oid from history h) or coalesce(r.oid in (select h.oid from history h), false),
       c.relreplident = 'i' and exists (select from pg_index i where i.indrelid = c.oid and i.indisreplident and not ({5})),
       coalesce(case when c.relkind = 'p' then ({6}) end, '')
from pg_class c join pg_namespace n on n.oid = c.relnamespace
left join pg_class r on c.relispartition and r.oid = pg_partition_root(c.oid)
left join pg_namespace rn on rn.oid = r.relnamespace
where c.relkind in ('r', 'p') and c.relpersistence in ('p', 'u')
  and {4}
  and n.nspname <> all (array(select jsonb_array_elements_text($2::jsonb)))
  -- A history's partitions, of which there may be thousands, matter only where somebody published them.
  and not (c.relispartition and c.oid in (select h.oid from history h)
           and not exists (select from pg_publication_rel l where l.prrelid in (c.oid, r.oid))
           and not exists (select from pg_publication p where p.puballtables))
  and not exists (select 1 from pg_depend d
                  where d.deptype = 'e' and (d.classid = 'pg_class'::regclass and d.objid = c.oid
                                             or d.classid = 'pg_namespace'::regclass and d.objid = n.oid))
order by n.nspname, c.relname)";

constexpr const char* has_whole_key =
    "not exists (select from pg_index k where k.indrelid = c.oid and k.indisprimary "
    "and not (k.indkey::int2[])[0:k.indnkeyatts - 1] <@ (i.indkey::int2[])[0:i.indnkeyatts - 1])";

// Publications of columns came with 15, of generated columns with 18.
std::string select_tables_of(int server_version) {
  const char* elsewhere =
      server_version < 150000
          ? "select ''::name as pubname, ''::name as schemaname, ''::name as tablename, "
            "null::name[] as attnames where false"
          : "select t.pubname, t.schemaname, t.tablename, t.attnames from pg_publication_tables t "
            "join pg_publication p using (pubname) "
            "where t.pubname <> $1 and (p.pubupdate or p.pubdelete)";
  const char* identifying = server_version < 180000 ? "a.attgenerated = ''" : "true";
  return fmt::format(fmt::runtime(select_tables), elsewhere, identifying, identifying_index,
                     sql::histories, change::application_schema("n.nspname"), has_whole_key,
                     pg::select_foreign_partition("c.oid"));
}

constexpr const char* select_publication = R"(
select pg_get_userbyid(pubowner), puballtables, pubviaroot,
       pubinsert and pubupdate and pubdelete and pubtruncate,
       coalesce(to_jsonb(p) ->> 'pubgencols', 's') = 's', oid
from pg_publication p where pubname = $1)";

// The row's xmin is that of its last change.
constexpr const char* select_publication_state = R"(
select coalesce((select concat_ws(' ', oid, xmin, pubinsert, pubupdate, pubdelete, pubtruncate, pubviaroot)
                 from pg_publication where pubname = $1), 'none'))";

constexpr const char* select_unpublished = R"(
select c.oid, n.nspname, c.relname, pg_get_userbyid(c.relowner)
from pg_class c join pg_namespace n on n.oid = c.relnamespace
where c.oid = any (array(select o::oid from jsonb_array_elements_text($1::jsonb) o))
  and c.relkind in ('r', 'p') and not c.relispartition
  and not exists (select from pg_publication p where p.pubname = $2 and (p.puballtables or exists (
    select from pg_publication_rel r where r.prpubid = p.oid and r.prrelid = c.oid))))";

Table read_table(const pg::Rows& rows, int row) {
  Table table{.oid = static_cast<change::Oid>(rows.integer(row, 0)),
              .schema = rows.text(row, 1),
              .name = rows.text(row, 2),
              .owner = rows.text(row, 3),
              .identity = static_cast<change::ReplicaIdentity>(rows.text(row, 4).front()),
              .has_primary_key = rows.truth(row, 5),
              .key_identifies = rows.truth(row, 16),
              .usable_index = rows.text(row, 17),
              .is_partition = rows.truth(row, 6),
              .root_schema = rows.text(row, 18),
              .root_name = rows.text(row, 19),
              .is_partitioned = rows.truth(row, 7),
              .unlogged = rows.truth(row, 8),
              .published = rows.integer(row, 9) != 0,
              .membership = static_cast<change::Oid>(rows.integer(row, 9)),
              .narrowed = rows.truth(row, 10),
              .wide_toast = rows.truth(row, 11),
              .bytes = rows.integer(row, 12),
              .virtual_columns = rows.truth(row, 13),
              .narrow_publication = rows.text(row, 14)};
  table.loses_key = rows.truth(row, 21);
  table.foreign_partition = rows.text(row, 22);
  table.identified = table.identity == change::ReplicaIdentity::full || rows.truth(row, 15);
  return table;
}

}  // namespace

base::Result<std::vector<Table>> list_published_too(pg::Connection& source,
                                                    const change::Selection& selection,
                                                    const std::string& publication) {
  TRY_ASSIGN(auto copies, copy_schemas(source));
  TRY_ASSIGN(pg::Rows rows, source.query(select_tables_of(source.server_version()),
                                         {publication, nlohmann::json(copies).dump()}));
  std::vector<Table> tables;
  for (int row = 0; row < rows.count(); ++row) {
    Table table = read_table(rows, row);
    bool is_history = rows.truth(row, 20);
    bool wanted = table.is_partition ? selection.tracks(table.root_schema, table.root_name)
                                     : selection.tracks(table.schema, table.name);
    table.tracked = wanted && !is_history;
    if (table.tracked || table.published) tables.push_back(std::move(table));
  }
  return tables;
}

base::Result<std::vector<Table>> list_tables(pg::Connection& source,
                                             const change::Selection& selection,
                                             const std::string& publication) {
  TRY_ASSIGN(std::vector<Table> tables, list_published_too(source, selection, publication));
  std::erase_if(tables, [](const Table& table) { return !table.tracked; });
  return tables;
}

base::Result<std::vector<Table>> find_unpublished(pg::Connection& source,
                                                  const std::vector<change::Oid>& oids,
                                                  const std::string& publication) {
  std::vector<Table> tables;
  if (oids.empty()) return tables;
  TRY_ASSIGN(pg::Rows rows,
             source.query(select_unpublished, {nlohmann::json(oids).dump(), publication}));
  for (int row = 0; row < rows.count(); ++row) {
    tables.push_back({.oid = static_cast<change::Oid>(rows.integer(row, 0)),
                      .schema = rows.text(row, 1),
                      .name = rows.text(row, 2),
                      .owner = rows.text(row, 3)});
  }
  return tables;
}

base::Result<std::string> publication_state(pg::Connection& source, const std::string& name) {
  TRY_ASSIGN(pg::Rows rows, source.query(select_publication_state, {name}));
  return rows.text(0, 0);
}

base::Result<std::optional<Publication>> find_publication(pg::Connection& source,
                                                          const std::string& name) {
  TRY_ASSIGN(pg::Rows rows, source.query(select_publication, {name}));
  if (rows.empty()) return std::nullopt;
  return Publication{.name = name,
                     .oid = static_cast<change::Oid>(rows.integer(0, 5)),
                     .owner = rows.text(0, 0),
                     .all_tables = rows.truth(0, 1),
                     .via_root = rows.truth(0, 2),
                     .publishes_all_operations = rows.truth(0, 3),
                     .publishes_generated_columns = rows.truth(0, 4)};
}

}  // namespace bemi::wal
