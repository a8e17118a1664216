// SPDX-License-Identifier: LGPL-3.0-or-later
#include "store/relation_note.hpp"

#include <nlohmann/json.hpp>

#include "base/json.hpp"
#include "change/relation_json.hpp"

namespace bemi::store {
namespace {

std::string key_json(const change::Relation& relation) {
  std::string json = "[";
  for (std::size_t index : relation.primary_key) {
    if (json.size() > 1) json.push_back(',');
    base::append_json_string(json, relation.columns[index].name);
  }
  return json + "]";
}

constexpr const char* select_relations = R"(
select v.relation, v.schema, v."table", v.assumed, v.columns::text, to_jsonb(v.primary_key)::text,
       v.leaves::text, v.dropped,
       coalesce(to_jsonb(v.unsent)::text, '')
from (select distinct on (relation) * from _bemi.relation_version where source = $1
      order by relation, epoch desc, position desc, sequence desc) v
order by v.epoch, v.position, v.sequence)";

// Reads all versions: only an older one lists a partition that was detached since.
constexpr const char* select_redacted = R"(
select distinct v.relation, v.leaves::text,
       (select jsonb_agg(c) from jsonb_array_elements(v.columns) c where c ? 'redacted')::text
from _bemi.relation_version v
where v.source = $1 and v.columns @? '$[*].redacted')";

}  // namespace

const char* const insert_relation_version = R"(
insert into _bemi.relation_version (source, epoch, position, relation, schema, "table",
                                    replica_identity, columns, primary_key, assumed,
                                    leaves, sequence, effective_at, dropped, unsent)
select $1, $2, $3, $4, $5, $6, $7, $8::jsonb,
       array(select jsonb_array_elements_text($9::jsonb)), $10, $12::jsonb, $13, $14, $15::boolean,
       case when $16 <> '' then array(select jsonb_array_elements_text($16::jsonb)) end
where $11 or not exists (
  select from (select * from _bemi.relation_version where source = $1 and relation = $4 and epoch = $2
               order by position desc, sequence desc limit 1) newest
  where schema = $5 and "table" = $6 and replica_identity = $7 and columns = $8::jsonb
    and to_jsonb(primary_key) = $9::jsonb and leaves = $12::jsonb
    and dropped = $15::boolean and to_jsonb(unsent) is not distinct from nullif($16, '')::jsonb)
on conflict do nothing)";

std::vector<pg::Parameter> relation_version_parameters(const change::Relation& relation,
                                                       const RelationPlace& place) {
  return {place.source,
          std::to_string(place.epoch),
          std::to_string(place.position.value),
          std::to_string(relation.oid),
          relation.schema,
          relation.table,
          std::string(1, static_cast<char>(relation.identity)),
          change::columns_json(relation),
          key_json(relation),
          pg::boolean(relation.assumed),
          pg::boolean(relation.again),
          nlohmann::json(relation.leaves).dump(),
          std::to_string(place.sequence),
          base::format(place.effective_at),
          pg::boolean(relation.dropped),
          relation.lists_unsent ? nlohmann::json(relation.unsent).dump() : std::string()};
}

base::Result<std::vector<change::Relation>> load_relations(pg::Connection& destination,
                                                           const std::string& source) {
  TRY_ASSIGN(pg::Rows rows, destination.query(select_relations, {source}));
  std::vector<change::Relation> relations;
  for (int row = 0; row < rows.count(); ++row) {
    if (rows.truth(row, 7)) continue;
    change::Relation relation{.oid = static_cast<change::Oid>(rows.integer(row, 0)),
                              .schema = rows.text(row, 1),
                              .table = rows.text(row, 2)};
    relation.assumed = rows.truth(row, 3);
    auto columns = change::read_columns_text(rows.text(row, 4));
    auto key = change::read_names(rows.text(row, 5));
    auto leaves = change::read_oids(rows.text(row, 6));
    // An older Bemi or somebody else wrote it: the catalog is asked again.
    if (!columns || !key || !leaves) continue;
    relation.columns = std::move(*columns);
    relation.leaves = std::move(*leaves);
    std::string unsent_names = rows.text(row, 8);
    relation.lists_unsent = !unsent_names.empty();
    if (relation.lists_unsent) {
      auto unsent = change::read_names(unsent_names);
      if (!unsent) continue;
      relation.unsent = std::move(*unsent);
    }
    change::set_primary_key(relation, *key);
    relations.push_back(std::move(relation));
  }
  return relations;
}

base::Result<std::vector<change::Relation>> load_redacted(pg::Connection& destination,
                                                          const std::string& source) {
  TRY_ASSIGN(pg::Rows rows, destination.query(select_redacted, {source}));
  std::vector<change::Relation> relations;
  for (int row = 0; row < rows.count(); ++row) {
    auto leaves = change::read_oids(rows.text(row, 1));
    auto columns = change::read_columns_text(rows.text(row, 2));
    if (!leaves || !columns) continue;
    change::Relation relation{.oid = static_cast<change::Oid>(rows.integer(row, 0))};
    relation.columns = std::move(*columns);
    relation.leaves = std::move(*leaves);
    relations.push_back(std::move(relation));
  }
  return relations;
}

}  // namespace bemi::store
