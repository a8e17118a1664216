// SPDX-License-Identifier: LGPL-3.0-or-later
#include "revert/live_table.hpp"

#include <algorithm>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "base/json.hpp"
#include "revert/sql.hpp"

namespace bemi::revert {
namespace {

using nlohmann::json;

constexpr const char* select_triggers = R"(
select root.oid::bigint, t.tgname, t.tgtype, t.tgenabled, format('%I.%I', n.nspname, c.relname),
       t.tgfoid::regproc::text
from unnest($1::oid[]) as root (oid)
cross join lateral (select root.oid as relid union select p.relid from pg_partition_tree(root.oid) p) member
join pg_trigger t on t.tgrelid = member.relid
join pg_class c on c.oid = t.tgrelid join pg_namespace n on n.oid = c.relnamespace
where not t.tgisinternal and t.tgparentid = 0 order by 1, 2)";

constexpr const char* select_rules = R"(
select r.ev_class::bigint, r.rulename, r.ev_enabled from pg_rewrite r
where r.ev_class = any ($1::oid[]) and r.ev_type <> '1' and r.ev_enabled in ('O', 'A') order by 1, 2)";

std::vector<std::string> strings(const std::string& text) {
  return json::parse(text).get<std::vector<std::string>>();
}

std::string events_of(int type) {
  std::string events = (type & 2) != 0 ? "before" : (type & 64) != 0 ? "instead of" : "after";
  std::string joined;
  for (auto [bit, word] : {std::pair(4, "insert"), std::pair(16, "update"), std::pair(8, "delete"),
                           std::pair(32, "truncate")}) {
    if ((type & bit) != 0) joined += (joined.empty() ? " " : " or ") + std::string(word);
  }
  return events + joined;
}

ValueForm form_of(const std::string& text) {
  if (text == "json") return ValueForm::json;
  return text == "hstore" ? ValueForm::hstore : ValueForm::plain;
}

base::Status load_columns(pg::Connection& source, const std::string& oids, LiveSchema& schema) {
  TRY_ASSIGN(pg::Rows rows, source.query(sql::live_columns, {oids}));
  for (int row = 0; row < rows.count(); ++row) {
    auto table = schema.tables.find(rows.integer(row, 0));
    if (table == schema.tables.end()) continue;
    if (rows.truth(row, 3)) {
      table->second.generated.insert(rows.text(row, 1));
      continue;
    }
    table->second.columns.push_back({.name = rows.text(row, 1),
                                     .number = static_cast<int>(rows.integer(row, 9)),
                                     .type = rows.text(row, 2),
                                     .type_oid = rows.integer(row, 8),
                                     .form = form_of(rows.text(row, 6)),
                                     .type_schema = rows.text(row, 7),
                                     .identity_always = rows.truth(row, 4),
                                     .not_null = rows.truth(row, 5)});
  }
  return {};
}

base::Status load_unique(pg::Connection& source, const std::string& oids, LiveSchema& schema) {
  TRY_ASSIGN(pg::Rows rows, source.query(sql::live_keys, {oids}));
  for (int row = 0; row < rows.count(); ++row) {
    auto found = schema.tables.find(rows.integer(row, 0));
    if (found == schema.tables.end()) continue;
    UniqueKey key{.name = rows.text(row, 1),
                  .columns = {},
                  .immediate = rows.truth(row, 2),
                  .primary = rows.truth(row, 3)};
    bool writable = true;
    for (const json& column : json::parse(rows.text(row, 4))) {
      auto place = found->second.place_of(column[0].get<std::string>());
      writable = writable && place;
      if (place) key.columns.push_back({*place, column[1].get<std::string>()});
    }
    if (writable) found->second.unique.push_back(std::move(key));
  }
  return {};
}

base::Status load_foreign_keys(pg::Connection& source, const std::string& oids,
                               LiveSchema& schema) {
  std::string sql = sql::live_foreign_keys;
  // Temporal foreign keys compare ranges, not values; they came with 18.
  std::string condition = source.server_version() >= 180000 ? "not f.conperiod" : "true";
  sql.replace(sql.find("f.conperiod_free"), std::string_view("f.conperiod_free").size(), condition);
  TRY_ASSIGN(pg::Rows rows, source.query(sql, {oids}));
  for (int row = 0; row < rows.count(); ++row) {
    schema.foreign_keys.push_back({.name = rows.text(row, 0),
                                   .child = rows.integer(row, 1),
                                   .parent = rows.integer(row, 2),
                                   .child_name = rows.text(row, 3),
                                   .parent_name = rows.text(row, 4),
                                   .child_only = rows.text(row, 5),
                                   .parent_only = rows.text(row, 6),
                                   .child_columns = strings(rows.text(row, 7)),
                                   .parent_columns = strings(rows.text(row, 8)),
                                   .equals = strings(rows.text(row, 9)),
                                   .on_delete = rows.text(row, 10).at(0),
                                   .on_update = rows.text(row, 11).at(0)});
  }
  return {};
}

base::Status load_rules(pg::Connection& source, const std::string& oids, LiveSchema& schema) {
  TRY_ASSIGN(pg::Rows rows, source.query(select_rules, {oids}));
  for (int row = 0; row < rows.count(); ++row) {
    auto table = schema.tables.find(rows.integer(row, 0));
    if (table == schema.tables.end()) continue;
    table->second.rules.push_back({.name = rows.text(row, 1), .always = rows.text(row, 2) == "A"});
  }
  return {};
}

base::Status load_triggers(pg::Connection& source, const std::string& oids, LiveSchema& schema) {
  TRY_ASSIGN(pg::Rows rows, source.query(select_triggers, {oids}));
  for (int row = 0; row < rows.count(); ++row) {
    auto table = schema.tables.find(rows.integer(row, 0));
    if (table == schema.tables.end()) continue;
    int type = static_cast<int>(rows.integer(row, 2));
    table->second.triggers.push_back({.shown = {.name = rows.text(row, 1),
                                                .function = rows.text(row, 5),
                                                .events = events_of(type)},
                                      .type = type,
                                      .enabled = rows.text(row, 3).at(0),
                                      .table = rows.text(row, 4)});
  }
  return {};
}

// Finds rows by the primary key that the history knows, with the operators of a unique index on it
// if there is one.
void set_key(LiveTable& live, const PastTable& past, const Places& places) {
  std::vector<KeyColumn> key;
  for (const std::string& name : past.key) {
    std::string raw;
    base::append_json_string(raw, name);
    auto place = places.since.back().by_name.find(raw);
    if (place == places.since.back().by_name.end()) return;
    key.push_back({place->second, "OPERATOR(pg_catalog.=)"});
  }
  for (const UniqueKey& unique : live.unique) {
    for (KeyColumn& column : key) {
      auto same = std::ranges::find(unique.columns, column.column, &KeyColumn::column);
      if (same != unique.columns.end()) column.equals = same->equals;
    }
  }
  live.key = std::move(key);
}

// Finds the column by its number, which survives renames, or by its name if the number is not
// known.
std::optional<int> place_now(const LiveTable& live, const Shape::Column& column) {
  if (column.number == 0) return live.place_of(column.name);
  auto found = std::ranges::find(live.columns, column.number, &LiveColumn::number);
  if (found == live.columns.end()) return std::nullopt;
  return static_cast<int>(found - live.columns.begin());
}

}  // namespace

std::optional<int> LiveTable::place_of(const std::string& name) const {
  auto found = std::ranges::find(columns, name, &LiveColumn::name);
  if (found == columns.end()) return std::nullopt;
  return static_cast<int>(found - columns.begin());
}

Places places_of(const PastTable& past, const LiveTable& live, std::vector<std::string>& notes) {
  Places places{.count = live.columns.size(), .since = {}};
  std::set<std::string> gone;
  for (const Shape& shape : past.shapes) {
    Places::Since& since = places.since.emplace_back();
    since.at = shape.since;
    for (const Shape::Column& column : shape.columns) {
      auto place = place_now(live, column);
      if (!place && !live.generated.contains(column.name)) gone.insert(column.name);
      if (!place) continue;
      std::string raw;
      base::append_json_string(raw, column.name);
      since.by_name[raw] = *place;
    }
  }
  if (places.since.empty()) places.since.emplace_back();
  for (const std::string& name : gone) {
    notes.push_back("the column " + name + " is not there any more: its old values stay behind");
  }
  return places;
}

base::Result<LiveSchema> load_live_schema(pg::Connection& source,
                                          const std::vector<PastTable>& past) {
  std::string oids = "{";
  for (const PastTable& table : past) {
    oids += (oids.size() > 1 ? "," : "") + std::to_string(table.oid);
  }
  oids += "}";
  LiveSchema schema;
  TRY_ASSIGN(pg::Rows rows, source.query(sql::live_tables, {oids}));
  for (int row = 0; row < rows.count(); ++row) {
    LiveTable& table = schema.tables[rows.integer(row, 0)];
    table.oid = rows.integer(row, 0);
    table.schema = rows.text(row, 1);
    table.table = rows.text(row, 2);
    table.partitioned = rows.truth(row, 3);
    table.owned = rows.truth(row, 4);
    table.missing_rights = rows.text(row, 5);
    table.otherwise_unique = rows.truth(row, 6);
  }
  TRY(load_columns(source, oids, schema));
  TRY(load_unique(source, oids, schema));
  TRY(load_foreign_keys(source, oids, schema));
  TRY(load_triggers(source, oids, schema));
  TRY(load_rules(source, oids, schema));
  for (const PastTable& table : past) {
    auto live = schema.tables.find(table.oid);
    if (live == schema.tables.end()) continue;
    std::vector<std::string> ignored;
    set_key(live->second, table, places_of(table, live->second, ignored));
  }
  return schema;
}

}  // namespace bemi::revert
