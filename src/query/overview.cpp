// SPDX-License-Identifier: LGPL-3.0-or-later
#include "query/overview.hpp"

#include <fmt/format.h>

#include "query/known_names.hpp"
#include "query/past.hpp"
#include "store/schema.hpp"

namespace bemi::query {
namespace {

// Number of the newest changes that are sampled for context keys.
constexpr std::int64_t context_sample = 5000;
constexpr std::int64_t values_shown = 8;
constexpr std::int64_t coverage_max = 1000;

base::Result<std::string> changes_of(pg::Connection& destination) {
  TRY_ASSIGN(std::string schema, store::history_schema(destination));
  return store::changes_name(schema);
}

base::Result<std::string> only_value(base::Result<pg::Rows> rows) {
  if (!rows) return std::unexpected(std::move(rows).error());
  return rows->empty() ? "null" : rows->text(0, 0);
}

std::string group_expression(Where& where, const std::string& by) {
  if (by == "transaction") return "transaction_id::text";
  if (by == "table") return R"(schema || '.' || "table")";
  if (by == "operation" || by == "source") return by;
  std::string key = where.bind(by);
  where.add_raw("context ? " + key);
  return "context ->> " + key;
}

}  // namespace

base::Result<std::string> tables(pg::Connection& destination) {
  TRY(store::history_schema(destination));
  return only_value(destination.run(R"(
select coalesce(json_agg(json_build_object('source', c.source, 'schema', c.schema, 'table', c."table",
    'since', c.since, 'whole', c.whole, 'columns', v.columns, 'primary_key', v.primary_key)
    order by c.source, c.schema, c."table"), '[]')
from (select distinct on (source, schema, "table") * from _bemi.coverage
      order by source, schema, "table", epoch desc, position desc) c
left join lateral (select columns, primary_key from _bemi.relation_version v
                   where v.source = c.source and v.relation = c.relation
                   order by v.epoch desc, v.position desc limit 1) v on true)"));
}

base::Result<std::string> context_keys(pg::Connection& destination) {
  TRY_ASSIGN(std::string changes, changes_of(destination));
  return only_value(destination.run(fmt::format(R"(
with sample as (select context from {} order by effective_at desc limit {}),
pairs as (select key, left(value, 200) as value, count(*) as n
          from sample cross join lateral jsonb_each_text(context) where key <> 'SQL' group by 1, 2),
keys as (select key, sum(n) as n, (array_agg(value order by n desc))[1:{}] as values from pairs group by key)
select coalesce(json_agg(json_build_object('key', key, 'values', values,
    'share', round(n / greatest((select count(*) from sample), 1), 4)) order by n desc), '[]') from keys)",
                                                changes, context_sample, values_shown)));
}

base::Result<std::string> groups(pg::Connection& destination, const ChangeFilter& asked,
                                 const std::string& by, std::int64_t limit) {
  TRY_ASSIGN(std::string changes, changes_of(destination));
  TRY_ASSIGN(ChangeFilter filter, known_filter(destination, asked));
  Where where;
  TRY(add_filter(where, filter));
  std::string value = group_expression(where, by);
  where.add_raw("operation <> 'SNAPSHOT'");
  TRY_ASSIGN(
      std::string found,
      only_value(destination.query(fmt::format(R"(
select coalesce(json_agg(g order by g.last desc, g.value), '[]') from (
  select {0} as value, min(source) as source, count(*) as changes,
         count(distinct (source, epoch, commit_position)) as transactions,
         array_agg(distinct schema || '.' || "table") as tables,
         count(*) filter (where operation = 'CREATE') as created,
         count(*) filter (where operation = 'UPDATE') as updated,
         count(*) filter (where operation = 'DELETE') as deleted,
         min(effective_at) as first, max(effective_at) as last,
         min((context - 'SQL')::text)::json as context
  from {1}{2} group by 1{3} order by max(effective_at) desc limit {4}) g)",
                                               value, changes, where.clause(),
                                               by == "transaction" ? ", source, epoch" : "", limit),
                                   where.parameters())));
  if (found != "[]") return found;
  TRY(check_context_keys(destination, filter));
  if (is_context_key(by)) TRY(check_context_key(destination, by));
  return found;
}

base::Result<std::string> sources(pg::Connection& destination) {
  TRY(store::history_schema(destination));
  return only_value(destination.run(R"(
select coalesce(json_agg(json_build_object('source', s.name, 'database', s.database, 'state', s.state,
    'epoch', s.epoch, 'slot', s.slot, 'publication', s.publication, 'position', s.position,
    'effective_at', s.effective_at, 'last_change_at', s.last_change_at,
    'progress_age_seconds', extract(epoch from now() - s.advanced_at)::bigint,
    'transactions', s.transactions, 'changes', s.changes, 'changes_with_context', s.changes_with_context,
    'contexts_rejected', s.contexts_rejected,
    -- Without the rows of baselines, and DDL.
    'written', coalesce((to_jsonb(s) ->> 'written')::bigint, 0),
    'written_with_context', coalesce((to_jsonb(s) ->> 'written_with_context')::bigint, 0),
    'schema_refused', coalesce((to_jsonb(s) ->> 'schema_refused')::bigint, 0),
    'messages_refused', coalesce((to_jsonb(s) ->> 'messages_refused')::bigint, 0),
    'contexts_unverified', (select coalesce(sum(c.messages), 0)::bigint from _bemi.context_finding c
                            where c.source = s.name),
    'created_at', s.created_at,
    -- A history of an older worker has no such column.
    'worker', to_jsonb(s) -> 'worker',
    'heard_at', greatest(s.advanced_at, s.last_change_at, (to_jsonb(s) -> 'worker' ->> 'started_at')::timestamptz),
    'silent_seconds', extract(epoch from now() - greatest(s.advanced_at, s.last_change_at,
        (to_jsonb(s) -> 'worker' ->> 'started_at')::timestamptz))::bigint,
    'parked', (select count(*) from _bemi.parked p where p.source = s.name),
    'parked_changes', (select count(*) from _bemi.parked p where p.source = s.name and p.what in ('change', 'note')),
    'findings', (select count(*) from _bemi.finding f where f.source = s.name),
    'views_failed', (select count(*) from bemi.time_travel_tables t where t.source = s.name and t.problem is not null),
    'gaps', (select coalesce(json_agg(json_build_object('reason', g.reason, 'epoch', g.epoch,
        'from_position', g.from_position, 'to_position', g.to_position, 'detected_at', g.detected_at,
        'accepted_at', g.accepted_at,
        'schema', to_jsonb(g) -> 'schema', 'table', to_jsonb(g) -> 'table', 'from_time', to_jsonb(g) -> 'from_time',
        'to_time', to_jsonb(g) -> 'to_time') order by g.id desc), '[]') from _bemi.gap g where g.source = s.name))
    order by s.name), '[]') from _bemi.source s)"));
}

base::Result<std::string> context_coverage(pg::Connection& destination, const ChangeFilter& asked,
                                           const std::string& key, const std::string& by) {
  TRY_ASSIGN(std::string changes, changes_of(destination));
  TRY_ASSIGN(ChangeFilter filter, known_filter(destination, asked));
  Where where;
  TRY(add_filter(where, filter));
  where.add_raw("operation in ('CREATE', 'UPDATE', 'DELETE', 'TRUNCATE')");
  std::string wanted = where.bind(key);
  std::string value = by.empty() ? "" : ", context ->> " + where.bind(by) + " as by";
  return only_value(destination.query(
      fmt::format(R"(
select coalesce(json_agg(g order by {3}), '[]') from (select * from (
  select schema, "table"{4}, count(*) as changes,
         count(*) filter (where context <> '{{}}') as with_context,
         count(*) filter (where context ? {0}) as with_key
  from {1}{2} group by 1, 2{5}) counted order by {3} limit {6}) g)",
                  wanted, changes, where.clause(),
                  by.empty() ? "changes desc" : "changes - with_key desc, changes desc", value,
                  by.empty() ? "" : ", 3", coverage_max),
      where.parameters()));
}

base::Result<std::string> table_as_of(pg::Connection& destination, const TableName& table,
                                      const PastPage& page) {
  auto source = page.source.empty() ? std::nullopt : pg::Parameter(page.source);
  std::string name = quoted(table);
  TRY_ASSIGN(pg::Rows rows, destination.query(
                                R"(
with moment as (select bemi.moment($1, $2, $5) as at),
known as (select v.* from moment, bemi.rows_as_of($3, moment.at, $2, $4, $5) v),
page as (select * from known order by length(primary_key), primary_key limit $6 offset $7),
weighed as (select coalesce(sum(octet_length("row"::text)), 0) as bytes from page)
select case when (select bytes from weighed) <= $8::bigint then json_build_object('at', (select at from moment),
  'total', (select count(*) from known), 'rows', (select coalesce(json_agg(json_build_object('primary_key', primary_key, 'row', "row",
    'fidelity', fidelity, 'operation', operation, 'effective_at', effective_at)
    order by length(primary_key), primary_key), '[]') from page)) end)",
                                {page.moment, source, name, pg::boolean(page.partial),
                                 pg::boolean(page.allow_stale), std::to_string(page.limit),
                                 std::to_string(page.offset), std::to_string(page.bytes_max)}));
  if (!rows.get(0, 0)) return std::unexpected(too_large(page.bytes_max));
  return rows.text(0, 0);
}

}  // namespace bemi::query
