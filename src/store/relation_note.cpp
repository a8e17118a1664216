// SPDX-License-Identifier: LGPL-3.0-or-later
#include "store/relation_note.hpp"

#include "base/json.hpp"

namespace store {
namespace {

// [{"name": ..., "type": ..., "type_oid": ..., "type_modifier": ...}, ...]
std::string columns_json(const change::Relation& relation) {
  std::string json = "[";
  for (const change::Column& column : relation.columns) {
    if (json.size() > 1) json.push_back(',');
    json += "{\"name\":";
    base::append_json_string(json, column.name);
    json += ",\"type\":";
    base::append_json_string(json, column.type ? column.type->name : "");
    json += ",\"type_oid\":" + std::to_string(column.type_oid) +
            ",\"type_modifier\":" + std::to_string(column.type_modifier) + "}";
  }
  return json + "]";
}

std::string key_json(const change::Relation& relation) {
  std::string json = "[";
  for (std::size_t index : relation.primary_key) {
    if (json.size() > 1) json.push_back(',');
    base::append_json_string(json, relation.columns[index].name);
  }
  return json + "]";
}

}  // namespace

const char* const insert_relation_version = R"(
insert into _bemi.relation_version (source, epoch, position, relation, schema, "table",
                                    replica_identity, columns, primary_key, assumed)
select $1, $2, $3, $4, $5, $6, $7, $8::jsonb,
       array(select jsonb_array_elements_text($9::jsonb)), true
where not exists (
  select from (select * from _bemi.relation_version where source = $1 and relation = $4
               order by epoch desc, position desc limit 1) newest
  where schema = $5 and "table" = $6 and replica_identity = $7 and columns = $8::jsonb
    and to_jsonb(primary_key) = $9::jsonb)
on conflict do nothing)";

std::vector<pg::Parameter> relation_version_parameters(const change::Relation& relation,
                                                       const std::string& source,
                                                       const std::string& epoch,
                                                       const std::string& position) {
  return {source,
          epoch,
          position,
          std::to_string(relation.oid),
          relation.schema,
          relation.table,
          std::string(1, static_cast<char>(relation.identity)),
          columns_json(relation),
          key_json(relation)};
}

}  // namespace store
