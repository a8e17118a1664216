// SPDX-License-Identifier: LGPL-3.0-or-later
#include "revert/history.hpp"

#include <algorithm>
#include <map>
#include <set>
#include <utility>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "base/json.hpp"
#include "revert/history_sql.hpp"
#include "revert/limits.hpp"
#include "store/schema.hpp"

namespace revert {

// Which changes are of the table, whatever its name was then.
std::string is_of(const PastTable& table, const std::string& source) {
  std::string sql;
  for (const Stretch& stretch : table.stretches) {
    sql += fmt::format(
        "{}(c.\"table\" = {} and c.schema = {} and (c.epoch, c.commit_position) >= ({}, {})",
        sql.empty() ? "" : " or ", literal(stretch.table), literal(stretch.schema),
        stretch.from_epoch, stretch.from_position);
    if (stretch.to) {
      sql += fmt::format(" and (c.epoch, c.commit_position) < ({}, {})", stretch.to->epoch,
                         stretch.to->position);
    }
    sql += ")";
  }
  return fmt::format("c.source = {} and ({})", literal(source), sql);
}

namespace {

using nlohmann::json;

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
    version.shape = {.epoch = rows.integer(row, 3),
                     .position = rows.integer(row, 4),
                     .columns = {},
                     .renames = rows.truth(row, 7)};
    try {
      for (const json& column : json::parse(rows.text(row, 5))) {
        version.shape.columns.push_back({.name = column.at("name").get<std::string>(),
                                         .type = column.at("type_oid").get<std::int64_t>()});
      }
      version.key = json::parse(rows.text(row, 6)).get<std::vector<std::string>>();
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
    query::ChangeFilter::Commit at{.epoch = version.shape.epoch,
                                   .position = version.shape.position};
    bool open = !table.stretches.empty() && !table.stretches.back().to;
    if (open && ours != same_name) table.stretches.back().to = at;
    if (!ours) continue;
    if (!open || !same_name) {
      bool first_of_name = std::none_of(
          versions.begin(), versions.begin() + static_cast<std::ptrdiff_t>(i),
          [&](const Version& v) { return v.schema == version.schema && v.table == version.table; });
      table.stretches.push_back(
          {.schema = version.schema,
           .table = version.table,
           .from_epoch = first_of_name && table.shapes.empty() ? 0 : at.epoch,
           .from_position = first_of_name && table.shapes.empty() ? 0 : at.position,
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

base::Result<History> History::open(pg::Connection& destination, query::ChangeFilter filter,
                                    const std::string& source, std::vector<std::string> extra) {
  TRY_ASSIGN(std::string schema, store::history_schema(destination));
  History history(destination, store::changes_name(schema));
  history.source_ = source;
  filter.source = source;
  TRY_ASSIGN(history.condition_, query::condition_of(filter));
  if (!extra.empty()) {
    history.condition_.parameters.emplace_back(json(extra).dump());
    history.condition_.sql = fmt::format(
        "(({}) or id in (select id::uuid from jsonb_array_elements_text(${}::jsonb) as ids (id)))",
        history.condition_.sql, history.condition_.parameters.size());
  }
  TRY(destination.run("begin isolation level repeatable read read only"));
  TRY(history.select());
  TRY(history.load_tables());
  TRY(history.note_gaps());
  return history;
}

void History::close() { [[maybe_unused]] auto ended = destination_->run("rollback"); }

base::Status History::select() {
  TRY_ASSIGN(
      pg::Rows rows,
      destination_->query(
          fmt::format("select schema, \"table\", count(*) filter (where operation <> 'SCHEMA'), "
                      "count(*) filter (where operation = 'SCHEMA'), min(effective_at)::text "
                      "from {} c where {} and operation <> 'SNAPSHOT' group by 1, 2 order by 1, 2",
                      changes_, condition_.sql),
          condition_.parameters));
  for (int row = 0; row < rows.count(); ++row) {
    selected_.changes += rows.integer(row, 2);
    selected_.ddl += rows.integer(row, 3);
    if (rows.integer(row, 2) > 0) names_.emplace_back(rows.text(row, 0), rows.text(row, 1));
    if (since_.empty() || rows.text(row, 4) < since_) since_ = rows.text(row, 4);
  }
  if (selected_.changes == 0) return {};
  TRY_ASSIGN(pg::Rows ids,
             destination_->query(
                 fmt::format("select transaction_id from {} c where {} and operation <> 'SNAPSHOT' "
                             "group by epoch, transaction_id order by epoch desc, "
                             "transaction_id desc limit {}",
                             changes_, condition_.sql, limits::transactions_named_max),
                 condition_.parameters));
  for (int row = ids.count() - 1; row >= 0; --row) {
    selected_.transactions.push_back(ids.integer(row, 0));
  }
  TRY(find_reverts());
  if (selected_.ddl > 0) {
    selected_.warnings.push_back(
        fmt::format("{} changes of tables' definitions are not undone", selected_.ddl));
  }
  return {};
}

namespace {

struct PastRevert {
  std::int64_t id = 0;
  std::vector<std::int64_t> of;
  bool partial = false;
  bool cancelled = false;
};

std::vector<PastRevert> read_reverts(const pg::Rows& rows) {
  std::vector<PastRevert> reverts;
  for (int row = 0; row < rows.count(); ++row) {
    PastRevert& revert = reverts.emplace_back();
    revert.id = rows.integer(row, 0);
    auto of = json::parse(rows.text(row, 1), nullptr, /*allow_exceptions=*/false);
    for (const json& id : of) {
      if (id.is_number_integer()) revert.of.push_back(id.get<std::int64_t>());
    }
    revert.partial = rows.truth(row, 2);
  }
  return reverts;
}

// A revert that was itself reverted, whole, is as if neither had been.
void cancel_pairs(std::vector<PastRevert>& reverts, const std::set<std::int64_t>& ours) {
  for (std::size_t i = reverts.size(); i-- > 0;) {
    PastRevert& later = reverts[i];
    if (later.cancelled || later.partial || later.of.size() != 1 || ours.contains(later.id))
      continue;
    auto earlier = std::ranges::find(reverts, later.of.front(), &PastRevert::id);
    if (earlier == reverts.end() || earlier->cancelled || ours.contains(earlier->id)) continue;
    earlier->cancelled = later.cancelled = true;
  }
}

std::string listed(const std::string& list, std::int64_t id) {
  return list + (list.empty() ? "" : ", ") + std::to_string(id);
}

}  // namespace

// Reverts of nothing but selected transactions, and the reverts of these, belong to the selection:
// what was undone has no effect left, and what was redone has it again.
base::Status History::find_reverts() {
  TRY_ASSIGN(pg::Rows rows,
             destination_->query(
                 fmt::format("select transaction_id, (array_agg(context -> 'revert_of'))[1]::text, "
                             "bool_or(context ? 'revert_partial') from {} c where source = $1 and "
                             "effective_at >= $2::timestamptz and context ? 'revert_of' "
                             "group by epoch, commit_position, transaction_id "
                             "order by epoch, commit_position",
                             changes_),
                 {source_, since_}));
  std::vector<PastRevert> past = read_reverts(rows);
  std::set<std::int64_t> ours(selected_.transactions.begin(), selected_.transactions.end());
  std::string reverts;
  for (const PastRevert& revert : past) {
    bool only_ours = !revert.of.empty() && std::ranges::all_of(revert.of, [&](std::int64_t id) {
      return ours.contains(id);
    });
    if (only_ours && ours.insert(revert.id).second) reverts = listed(reverts, revert.id);
  }
  cancel_pairs(past, ours);
  std::string cancelled;
  for (const PastRevert& revert : past) {
    if (revert.cancelled) cancelled = listed(cancelled, revert.id);
  }
  if (!cancelled.empty()) {
    counted_ = fmt::format("not (c.transaction_id in ({}) and c.context ? 'revert_of')", cancelled);
  }
  if (!reverts.empty()) {
    condition_.sql = fmt::format("(({}) or transaction_id in ({}) and context ? 'revert_of')",
                                 condition_.sql, reverts);
  }
  return {};
}

base::Status History::load_tables() {
  if (names_.empty()) return {};
  json names = json::array();
  for (const auto& [schema, table] : names_) names.push_back({schema, table});
  constexpr const char* sql = R"(
with named as (
  select distinct v.relation, v.schema, v."table" from _bemi.relation_version v
  join jsonb_array_elements($2::jsonb) as n (name) on v.schema = n.name ->> 0 and v."table" = n.name ->> 1
  where v.source = $1
), alike as (
  -- All that ever had one of the names, and all their other names.
  select distinct v.schema, v."table" from _bemi.relation_version v
  where v.source = $1 and v.relation in (select relation from named)
)
select v.relation, v.schema, v."table", v.epoch, v.position, v.columns::text, to_jsonb(v.primary_key)::text,
       exists (select from {} c where c.operation = 'SCHEMA' and c."table" = v."table"
                 and c.schema = v.schema and c.source = $1 and c.epoch = v.epoch
                 and c.commit_position = v.position
                 and c.after ->> 'command' = 'ALTER TABLE' and c.context::text || c.after::text ~* '\mrename\M')
from _bemi.relation_version v
where v.source = $1 and not v.dropped
  and ((v.schema, v."table") in (select schema, "table" from alike)
       or v.relation in (select relation from named))
order by v.epoch, v.position, v.sequence)";
  TRY_ASSIGN(pg::Rows rows, destination_->query(fmt::format(fmt::runtime(sql), changes_),
                                                {source_, names.dump()}));
  TRY_ASSIGN(std::vector<Version> versions, read_versions(rows));
  std::map<std::int64_t, bool> wanted;
  for (const Version& version : versions) {
    auto named = std::pair(version.schema, version.table);
    if (std::ranges::find(names_, named) != names_.end()) wanted[version.relation] = true;
  }
  for (const auto& [oid, ignored] : wanted) {
    PastTable table = table_of(oid, versions);
    // A name can have had several tables: only those with selected changes.
    TRY_ASSIGN(pg::Rows any,
               destination_->query(
                   fmt::format("select exists (select from {} c where {} and ({}) and operation "
                               "in ('CREATE', 'UPDATE', 'DELETE', 'TRUNCATE'))",
                               changes_, is_of(table, source_), condition_.sql),
                   condition_.parameters));
    if (any.truth(0, 0)) tables_.push_back(std::move(table));
  }
  return {};
}

base::Status History::note_gaps() {
  if (selected_.changes == 0) return {};
  TRY_ASSIGN(pg::Rows gaps,
             destination_->query(
                 "select previous_until::text, began_at::text from _bemi.epoch where source = $1 "
                 "and began_at >= $2::timestamptz and previous_until is not null order by epoch",
                 {source_, since_}));
  for (int row = 0; row < gaps.count(); ++row) {
    selected_.warnings.push_back(
        fmt::format("nothing is known of what happened between {} and {}: rows are compared with "
                    "what is there now alone",
                    gaps.text(row, 0), gaps.text(row, 1)));
  }
  return {};
}

// ---- Single changes ----

base::Result<std::vector<ChangeRef>> History::changes(const std::vector<std::string>& ids) {
  std::vector<ChangeRef> found;
  if (ids.empty()) return found;
  TRY_ASSIGN(pg::Rows rows,
             destination_->query(
                 fmt::format("select id::text, transaction_id, effective_at::text, "
                             "(context - 'SQL')::text from {} where id in (select id::uuid from "
                             "jsonb_array_elements_text($1::jsonb) as ids (id))",
                             changes_),
                 {json(ids).dump()}));
  for (int row = 0; row < rows.count(); ++row) {
    found.push_back({.id = rows.text(row, 0),
                     .transaction_id = rows.integer(row, 1),
                     .effective_at = rows.text(row, 2),
                     .context = rows.text(row, 3)});
  }
  return found;
}

base::Result<std::vector<std::string>> History::changes_of_row(const std::string& schema,
                                                               const std::string& table,
                                                               const std::string& key) {
  TRY_ASSIGN(pg::Rows rows, destination_->query(fmt::format(R"(
with since as (
  select c.* from {0} c where c.source = $1 and c.schema = $2 and c."table" = $3 and c.primary_key = $4
    and c.effective_at >= $5::timestamptz and c.{1}
), made as (
  select epoch, commit_position, sequence from since where operation = 'CREATE'
  order by epoch desc, commit_position desc, sequence desc limit 1
)
select s.id::text from since s
where not exists (select from made m where (s.epoch, s.commit_position, s.sequence)
                                         < (m.epoch, m.commit_position, m.sequence)))",
                                                            changes_, row_changes),
                                                {source_, schema, table, key, since_}));
  std::vector<std::string> ids;
  for (int row = 0; row < rows.count(); ++row) ids.push_back(rows.text(row, 0));
  return ids;
}

}  // namespace revert
