// SPDX-License-Identifier: LGPL-3.0-or-later
#include "decode/schema_change.hpp"

#include <nlohmann/json.hpp>

#include "change/relation_json.hpp"
#include "decode/json_value.hpp"

namespace decode {
namespace {

using nlohmann::json;

void set_missing(change::Column& column, const std::string& text) {
  if (!column.type) return;
  if (!append_json_value(column.missing, *column.type, text)) column.missing_exact = text;
}

change::Relation read_table(const json& table) {
  change::Relation relation{.oid = table.at("oid").get<change::Oid>(),
                            .schema = table.at("schema").get<std::string>(),
                            .table = table.at("table").get<std::string>()};
  auto identity = table.value("identity", std::string("d"));
  if (identity.size() == 1 && std::string_view("dnfi").contains(identity[0])) {
    relation.identity = static_cast<change::ReplicaIdentity>(identity[0]);
  }
  relation.leaves = table.value("leaves", std::vector<change::Oid>());
  json columns = table.value("columns", json::array());
  relation.columns = change::read_columns(columns);
  for (std::size_t i = 0; i < columns.size(); ++i) {
    if (auto text = columns[i].find("missing_text"); text != columns[i].end()) {
      set_missing(relation.columns[i], text->get<std::string>());
    }
  }
  change::set_primary_key(relation, table.value("primary_key", std::vector<std::string>()));
  return relation;
}

std::vector<std::string> read_type_texts(const json& table) {
  std::vector<std::string> texts;
  for (const json& column : table.value("columns", json::array())) {
    texts.push_back(column.at("type").get<std::string>());
  }
  return texts;
}

std::optional<UnseenSince> read_unseen_since(const json& marks) {
  auto found = marks.find("unseen_since");
  if (found == marks.end()) return std::nullopt;
  auto position = change::parse_lsn(found->at("position").get<std::string>());
  if (!position) return std::nullopt;
  return UnseenSince{.time = {found->at("time").get<std::int64_t>()}, .position = *position};
}

SchemaChange read(const json& message) {
  const json& marks = message.at("marks");
  const json& table = message.at("table");
  SchemaChange change{.command = message.at("command").get<std::string>(),
                      .sql = message.at("sql").get<std::string>(),
                      .xid = message.at("xid").get<std::uint32_t>(),
                      .top = message.at("top").get<std::uint64_t>(),
                      .empty = marks.value("empty", false),
                      .dropped = marks.value("dropped", false),
                      .rewritten = marks.value("rewritten", false),
                      .listed = marks.value("listed", true),
                      .unseen = marks.value("unseen", false),
                      .publication = marks.value("publication", false),
                      .unseen_since = read_unseen_since(marks)};
  if (change.publication) return change;
  change.leaf = table.value("leaf", change::Oid{0});
  change.membership = table.value("membership", change::Oid{0});
  change.relation = read_table(table);
  change.type_texts = read_type_texts(table);
  return change;
}

json describe(const change::Relation& relation, const std::vector<std::string>& type_texts) {
  json columns = json::array();
  for (std::size_t i = 0; i < relation.columns.size(); ++i) {
    columns.push_back({{"name", relation.columns[i].name}, {"type", type_texts[i]}});
  }
  json key = json::array();
  for (std::size_t index : relation.primary_key) key.push_back(relation.columns[index].name);
  return {{"schema", relation.schema},
          {"table", relation.table},
          {"columns", std::move(columns)},
          {"primary_key", std::move(key)}};
}

std::string text_of(const json& value) {
  return value.dump(-1, ' ', /*ensure_ascii=*/false, json::error_handler_t::replace);
}

}  // namespace

std::string schema_json(const change::Relation& relation,
                        const std::vector<std::string>& type_texts) {
  return text_of(describe(relation, type_texts));
}

std::string schema_change_json(const SchemaChange& change) {
  json value = describe(change.relation, change.type_texts);
  if (change.dropped) value = json::object();
  value["command"] = change.command;
  value["sql"] = change.sql;
  return text_of(value);
}

std::optional<SchemaChange> parse_schema_change(std::string_view content) {
  try {
    return read(json::parse(content));
  } catch (const json::exception&) {
    return std::nullopt;
  }
}

}  // namespace decode
