// SPDX-License-Identifier: LGPL-3.0-or-later
#include "decode/schema_change.hpp"

#include <algorithm>
#include <limits>

#include <nlohmann/json.hpp>

#include "base/json.hpp"
#include "base/limits.hpp"
#include "change/json_fields.hpp"
#include "change/relation_json.hpp"
#include "decode/json_value.hpp"

namespace bemi::decode {
namespace {

using nlohmann::json;

using base::Result;

std::unexpected<base::Error> wrong(const char* what) {
  return base::fail(base::ErrorKind::malformed_message, what);
}

// It is read as jsonb later on: what does not fit is kept as a string, and as its exact text.
void set_missing(change::Column& column, const std::string& text) {
  if (!column.type) return;
  bool exact = append_json_value(column.missing, *column.type, text);
  if (!base::json_fits_jsonb(column.missing)) {
    column.missing.clear();
    base::append_json_string(column.missing, text);
    exact = false;
  }
  if (!exact) column.missing_exact = text;
}

Result<change::ReplicaIdentity> read_identity(const json& table) {
  TRY_ASSIGN(std::string identity, change::optional_text(table, "identity"));
  if (identity.empty()) return change::ReplicaIdentity::default_;
  if (identity.size() != 1 || !std::string_view("dnfi").contains(identity[0]))
    return wrong("the replica identity is not one that PostgreSQL has");
  return static_cast<change::ReplicaIdentity>(identity[0]);
}

Result<change::Relation> read_table(const json& table, const json& columns) {
  change::Relation relation;
  TRY_ASSIGN(relation.oid, change::oid_member(table, "oid"));
  TRY_ASSIGN(relation.schema, change::name_member(table, "schema"));
  TRY_ASSIGN(relation.table, change::name_member(table, "table"));
  TRY_ASSIGN(relation.identity, read_identity(table));
  TRY_ASSIGN(relation.leaves, change::oid_list(table, "leaves"));
  std::ranges::sort(relation.leaves);
  TRY_ASSIGN(relation.columns, change::read_columns(columns));
  for (std::size_t i = 0; i < columns.size(); ++i) {
    if (!columns[i].contains("missing_text")) continue;
    TRY_ASSIGN(std::string text, change::text_member(columns[i], "missing_text"));
    set_missing(relation.columns[i], text);
  }
  relation.lists_unsent = table.contains("unsent");
  if (relation.lists_unsent) {
    TRY_ASSIGN(relation.unsent, change::name_list(table, "unsent"));
  }
  TRY_ASSIGN(auto key, change::name_list(table, "primary_key"));
  change::set_primary_key(relation, key);
  return relation;
}

Result<std::vector<std::string>> read_type_texts(const json& columns) {
  std::vector<std::string> texts;
  for (const json& column : columns) {
    TRY_ASSIGN(std::string text, change::text_member(column, "type"));
    texts.push_back(std::move(text));
  }
  return texts;
}

Result<std::optional<UnseenSince>> read_unseen_since(const json& marks) {
  auto found = marks.find("unseen_since");
  if (found == marks.end()) return std::nullopt;
  TRY_ASSIGN(std::string text, change::text_member(*found, "position"));
  auto position = change::parse_lsn(text);
  if (!position) return wrong("it names no position");
  TRY_ASSIGN(std::int64_t time,
             change::number_member(*found, "time", std::numeric_limits<std::int64_t>::min(),
                                   std::numeric_limits<std::int64_t>::max()));
  return UnseenSince{.time = {time}, .position = *position};
}

base::Status read_marks(const json& marks, SchemaChange& read) {
  if (!marks.is_object()) return wrong("its marks are none");
  TRY_ASSIGN(read.empty, change::flag_member(marks, "empty", false));
  TRY_ASSIGN(read.dropped, change::flag_member(marks, "dropped", false));
  TRY_ASSIGN(read.rewritten, change::flag_member(marks, "rewritten", false));
  TRY_ASSIGN(read.listed, change::flag_member(marks, "listed", true));
  TRY_ASSIGN(read.unseen, change::flag_member(marks, "unseen", false));
  TRY_ASSIGN(read.publication, change::flag_member(marks, "publication", false));
  TRY_ASSIGN(read.unseen_since, read_unseen_since(marks));
  return {};
}

Result<SchemaChange> read(const json& message) {
  SchemaChange read;
  TRY_ASSIGN(read.command, change::name_member(message, "command"));
  TRY_ASSIGN(read.sql, change::text_member(message, "sql"));
  TRY_ASSIGN(read.xid, change::oid_member(message, "xid"));
  TRY_ASSIGN(std::int64_t top,
             change::number_member(message, "top", 0, std::numeric_limits<std::int64_t>::max()));
  read.top = static_cast<std::uint64_t>(top);
  auto marks = message.find("marks");
  if (marks == message.end()) return wrong("it has no marks");
  TRY(read_marks(*marks, read));
  TRY_ASSIGN(read.relabelled, change::oid_list(*marks, "relabelled"));
  if (read.publication || !read.relabelled.empty()) return read;
  auto table = message.find("table");
  if (table == message.end() || !table->is_object()) return wrong("it names no table");
  TRY_ASSIGN(read.leaf, change::optional_oid(*table, "leaf"));
  TRY_ASSIGN(read.membership, change::optional_oid(*table, "membership"));
  json columns = table->value("columns", json::array());
  TRY_ASSIGN(read.relation, read_table(*table, columns));
  TRY_ASSIGN(read.type_texts, read_type_texts(columns));
  return read;
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

base::Result<SchemaChange> parse_schema_change(std::string_view content) {
  TRY(base::check_json(content, {.bytes_max = base::limits::schema_message_bytes_max,
                                 .depth_max = base::limits::schema_message_depth_max}));
  json message = json::parse(content, nullptr, /*allow_exceptions=*/false);
  if (!message.is_object()) return wrong("not a JSON object");
  return read(message);
}

}  // namespace bemi::decode
