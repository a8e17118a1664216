// SPDX-License-Identifier: LGPL-3.0-or-later
#include "revert/sequences.hpp"

#include <algorithm>

#include <fmt/format.h>

#include "wal/application.hpp"

namespace bemi::revert {
namespace {

// Each one takes a lock until the end of the query.
constexpr int sequences_at_once = 500;

// The values of some of them, as JSON without the brackets.
base::Result<std::string> read_some(pg::Connection& source, const pg::Rows& names, int first) {
  std::string each;
  int end = std::min(first + sequences_at_once, names.count());
  for (int row = first; row < end; ++row) {
    each += fmt::format(
        "{}select {} as schema, {} as sequence, {} as oid, last_value, is_called from {}",
        each.empty() ? "" : " union all ", names.text(row, 0), names.text(row, 1),
        names.text(row, 3), names.text(row, 2));
  }
  TRY_ASSIGN(
      pg::Rows values,
      source.run("select trim(both '[]' from pg_catalog.json_agg(s)::text) from (" + each + ") s"));
  return values.text(0, 0);
}

}  // namespace

base::Result<std::string> read_sequences(pg::Connection& source) {
  TRY_ASSIGN(std::string relations, wal::application_relations(source, "S"));
  TRY_ASSIGN(pg::Rows names, source.query(R"(
select quote_literal(n.nspname), quote_literal(c.relname), format('%I.%I', n.nspname, c.relname), c.oid::bigint
from pg_catalog.pg_class c join pg_catalog.pg_namespace n on n.oid = c.relnamespace
where c.oid = any (array(select pg_catalog.jsonb_array_elements_text($1::jsonb)::oid))
  and case c.relkind when 'S' then pg_catalog.has_sequence_privilege(c.oid, 'SELECT') end order by 3)",
                                          {relations}));
  std::string all;
  for (int first = 0; first < names.count(); first += sequences_at_once) {
    TRY_ASSIGN(std::string some, read_some(source, names, first));
    all += (all.empty() ? "" : ", ") + some;
  }
  return "[" + all + "]";
}

// One that has another name now is the same; one of the same name that was made since is another.
base::Result<std::vector<LeftSequence>> set_sequences(pg::Connection& source,
                                                      const std::string& values) {
  auto set = source.query(R"(
with kept as (
  select s.*, case when s.oid is null then named.oid else same.oid end as found, named.oid as named
  from pg_catalog.jsonb_to_recordset($1::jsonb)
    as s (schema text, sequence text, oid oid, last_value bigint, is_called boolean)
  left join (select c.oid, c.relname, n.nspname from pg_catalog.pg_class c
             join pg_catalog.pg_namespace n on n.oid = c.relnamespace where c.relkind = 'S') named
    on named.nspname = s.schema and named.relname = s.sequence
  left join pg_catalog.pg_class same on same.oid = s.oid and same.relkind = 'S'
)
select pg_catalog.format('%I.%I', k.schema, k.sequence),
       case when k.found is null and k.named is not null then 'another'
         when k.found is null then 'gone'
         when not pg_catalog.has_sequence_privilege(k.found, 'update') then 'denied' end,
       case when k.found is not null and pg_catalog.has_sequence_privilege(k.found, 'update')
            then pg_catalog.setval(k.found::regclass, k.last_value, k.is_called) end
from kept k)",
                          {values});
  if (!set) return std::unexpected(set.error().within("the rows are back, but not the sequences"));
  std::vector<LeftSequence> left;
  for (int row = 0; row < set->count(); ++row) {
    if (set->get(row, 1)) left.push_back({.name = set->text(row, 0), .reason = set->text(row, 1)});
  }
  return left;
}

base::Result<std::vector<BehindSequence>> sequences_behind(pg::Connection& source,
                                                           const StageTable& table) {
  const LiveTable& live = *table.live;
  TRY_ASSIGN(pg::Rows owned,
             source.query("select a.attname, s.name from pg_attribute a cross join lateral "
                          "pg_get_serial_sequence($1, a.attname) as s (name) "
                          "where a.attrelid = $2::oid and a.attnum > 0 and not a.attisdropped "
                          "and s.name is not null",
                          {live.quoted(), std::to_string(live.oid)}));
  std::vector<BehindSequence> behind;
  for (int row = 0; row < owned.count(); ++row) {
    auto place = live.place_of(owned.text(row, 0));
    if (!place) continue;
    const std::string& type = live.columns[static_cast<std::size_t>(*place)].type;
    if (type != "integer" && type != "bigint" && type != "smallint") continue;
    TRY_ASSIGN(
        pg::Rows found,
        source.query(
            fmt::format("select w.value, has_sequence_privilege(q.seqrelid, 'update') from "
                        "pg_sequence q cross join (select max(r.t{})::bigint as value from "
                        "pg_temp._bemi_state s join {} r using (n) where s.state = 'go' and "
                        "s.kind in ('I', 'R')) w where q.seqrelid = $1::regclass and "
                        "q.seqincrement > 0 and w.value >= q.seqmin and w.value <= q.seqmax "
                        "and w.value > coalesce(pg_sequence_last_value(q.seqrelid), q.seqmin - 1)",
                        *place, table.rows()),
            {owned.text(row, 1)}));
    if (found.empty()) continue;
    behind.push_back({.sequence = owned.text(row, 1),
                      .value = found.integer(0, 0),
                      .may_set = found.truth(0, 1)});
  }
  return behind;
}

base::Status raise_sequences(pg::Connection& source, const std::vector<BehindSequence>& behind) {
  for (const BehindSequence& one : behind) {
    TRY(source.query("select pg_catalog.setval($1::regclass, $2::bigint)",
                     {one.sequence, std::to_string(one.value)}));
  }
  return {};
}

}  // namespace bemi::revert
