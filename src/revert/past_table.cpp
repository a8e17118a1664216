// SPDX-License-Identifier: LGPL-3.0-or-later
#include "revert/past_table.hpp"

#include <algorithm>
#include <iterator>
#include <map>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "revert/sql.hpp"

namespace bemi::revert {
namespace {

using nlohmann::json;

std::string literal(const std::string& text) { return pg::quote_literal(text); }

// One entry of relation_version.
struct Version {
  std::int64_t relation = 0;
  std::string schema;
  std::string table;
  Shape shape;
  std::vector<std::string> key;
};

base::Result<std::vector<Version>> read_versions(const pg::Rows& rows) {
  std::vector<Version> versions;
  for (int row = 0; row < rows.count(); ++row) {
    Version& version = versions.emplace_back();
    version.relation = rows.integer(row, 0);
    version.schema = rows.text(row, 1);
    version.table = rows.text(row, 2);
    version.shape = {.since = {.epoch = rows.integer(row, 3),
                               .position = rows.integer(row, 4),
                               .sequence = rows.integer(row, 5)},
                     .columns = {}};
    try {
      for (const json& column : json::parse(rows.text(row, 6))) {
        version.shape.columns.push_back(
            {.name = column.at("name").get<std::string>(), .number = column.value("number", 0)});
      }
      version.key = json::parse(rows.text(row, 7)).get<std::vector<std::string>>();
    } catch (const json::exception&) {
      return base::fail(base::ErrorKind::internal, "the history's note of how " + version.schema +
                                                       "." + version.table +
                                                       " looked cannot be read");
    }
  }
  return versions;
}

// Ordered by commit. A name belongs to the table that took it last.
PastTable table_of(std::int64_t oid, const std::vector<Version>& versions) {
  PastTable table{.oid = oid, .schema = {}, .table = {}, .stretches = {}, .shapes = {}, .key = {}};
  for (std::size_t i = 0; i < versions.size(); ++i) {
    const Version& version = versions[i];
    bool ours = version.relation == oid;
    bool same_name = version.schema == table.schema && version.table == table.table;
    const At& at = version.shape.since;
    bool open = !table.stretches.empty() && !table.stretches.back().to;
    if (open && ours != same_name) table.stretches.back().to = at;
    if (!ours) continue;
    if (!open || !same_name) {
      bool first_of_name = std::none_of(
          versions.begin(), versions.begin() + static_cast<std::ptrdiff_t>(i),
          [&](const Version& v) { return v.schema == version.schema && v.table == version.table; });
      table.stretches.push_back({.schema = version.schema,
                                 .table = version.table,
                                 .from = first_of_name && table.shapes.empty() ? At{} : at,
                                 .to = {}});
    }
    table.schema = version.schema;
    table.table = version.table;
    table.shapes.push_back(version.shape);
    table.key = version.key;
  }
  return table;
}

}  // namespace

// Which changes are of the table, whatever its name was then.
std::string is_of(const PastTable& table, const std::string& source) {
  std::string sql;
  for (const Stretch& stretch : table.stretches) {
    sql += fmt::format(
        "{}(c.\"table\" = {} and c.schema = {} and (c.epoch, c.commit_position, c.sequence) >= "
        "({}, {}, {})",
        sql.empty() ? "" : " or ", literal(stretch.table), literal(stretch.schema),
        stretch.from.epoch, stretch.from.position, stretch.from.sequence);
    if (stretch.to) {
      sql += fmt::format(" and (c.epoch, c.commit_position, c.sequence) < ({}, {}, {})",
                         stretch.to->epoch, stretch.to->position, stretch.to->sequence);
    }
    sql += ")";
  }
  return fmt::format("c.source = {} and ({})", literal(source), sql);
}

base::Result<std::vector<PastTable>> load_past_tables(
    pg::Connection& destination, const std::string& changes, const std::string& source,
    const std::vector<std::pair<std::string, std::string>>& names,
    const std::vector<EmptiedPartition>& emptied, const query::Condition& selected) {
  std::vector<PastTable> tables;
  if (names.empty()) return tables;
  json wanted_names = json::array();
  for (const auto& [schema, table] : names) wanted_names.push_back({schema, table});
  json roots = json::array();
  for (const EmptiedPartition& partition : emptied) roots.push_back(partition.root);
  TRY_ASSIGN(pg::Rows rows,
             destination.query(sql::past_versions, {source, wanted_names.dump(), roots.dump()}));
  TRY_ASSIGN(std::vector<Version> versions, read_versions(rows));
  std::map<std::int64_t, bool> wanted;
  for (const Version& version : versions) {
    auto named = std::pair(version.schema, version.table);
    bool root =
        std::ranges::find(emptied, version.relation, &EmptiedPartition::root) != emptied.end();
    if (root || std::ranges::find(names, named) != names.end()) wanted[version.relation] = true;
  }
  for (const auto& [oid, ignored] : wanted) {
    PastTable table = table_of(oid, versions);
    std::ranges::copy_if(emptied, std::back_inserter(table.emptied),
                         [&](const EmptiedPartition& partition) { return partition.root == oid; });
    // A name can have had several tables: only those with selected changes.
    TRY_ASSIGN(pg::Rows any,
               destination.query(
                   fmt::format("select exists (select from {} c where {} and ({}) and operation "
                               "in ('CREATE', 'UPDATE', 'DELETE', 'TRUNCATE'))",
                               changes, is_of(table, source), selected.sql),
                   selected.parameters));
    if (any.truth(0, 0) || !table.emptied.empty()) tables.push_back(std::move(table));
  }
  return tables;
}

}  // namespace bemi::revert
