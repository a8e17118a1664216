// SPDX-License-Identifier: LGPL-3.0-or-later
#include "revert/history.hpp"

#include <algorithm>
#include <map>
#include <set>
#include <utility>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "base/json.hpp"
#include "revert/event_reader.hpp"
#include "revert/limits.hpp"
#include "store/schema.hpp"

namespace revert {
namespace {

using nlohmann::json;

std::string literal(const std::string& text) { return pg::quote_literal(text); }

constexpr const char* row_changes = "operation in ('CREATE', 'UPDATE', 'DELETE')";

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

// Reverts of nothing but selected transactions, and the reverts of these, belong to the selection:
// what was undone has no effect left, and what was redone has it again.
base::Status History::find_reverts() {
  TRY_ASSIGN(
      pg::Rows rows,
      destination_->query(
          fmt::format("select transaction_id, (array_agg(context -> 'revert_of'))[1]::text "
                      "from {} c where source = $1 and effective_at >= $2::timestamptz and "
                      "context ? 'revert_of' group by epoch, commit_position, transaction_id "
                      "order by epoch, commit_position",
                      changes_),
          {source_, since_}));
  std::set<std::int64_t> ours(selected_.transactions.begin(), selected_.transactions.end());
  std::string reverts;
  for (int row = 0; row < rows.count(); ++row) {
    auto of = json::parse(rows.text(row, 1), nullptr, /*allow_exceptions=*/false);
    bool only_ours = of.is_array() && std::ranges::all_of(of, [&](const json& id) {
                       return id.is_number_integer() && ours.contains(id.get<std::int64_t>());
                     });
    if (!only_ours || !ours.insert(rows.integer(row, 0)).second) continue;
    reverts += (reverts.empty() ? "" : ", ") + std::to_string(rows.integer(row, 0));
  }
  if (reverts.empty()) return {};
  condition_.sql = fmt::format("(({}) or transaction_id in ({}) and context ? 'revert_of')",
                               condition_.sql, reverts);
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
where v.source = $1 and (v.schema, v."table") in (select schema, "table" from alike)
   or v.source = $1 and v.relation in (select relation from named)
order by v.epoch, v.position)";
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

// ---- Rows with a key ----

// Keys that rows passed on: those of one group are looked at together.
struct History::Moves {
  std::unordered_map<std::string, int> group;
  std::string keys_sql;    // all of them
  std::string groups_sql;  // those with selected changes: rows (key, grp)
};

namespace {

class Groups {
 public:
  void join(const std::string& left, const std::string& right) {
    parent_[root(left)] = root(right);
  }
  std::string root(const std::string& key) {
    std::string at = key;
    while (true) {
      auto found = parent_.find(at);
      if (found == parent_.end() || found->second == at) return at;
      at = found->second;
    }
  }
  [[nodiscard]] const std::unordered_map<std::string, std::string>& all() const { return parent_; }
  void add(const std::string& key) { parent_.try_emplace(key, key); }

 private:
  std::unordered_map<std::string, std::string> parent_;
};

std::string keys_as_rows(const json& keys) {
  return "jsonb_array_elements_text(" + literal(keys.dump()) + "::jsonb)";
}

}  // namespace

base::Result<History::Moves> History::load_moves(const PastTable& table) {
  TRY_ASSIGN(pg::Rows rows,
             destination_->run(fmt::format(
                 "select distinct k.previous_key, c.primary_key from _bemi.key_change k join {} c "
                 "on c.source = k.source and c.schema = k.schema and c.\"table\" = k.\"table\" "
                 "and c.epoch = k.epoch and c.commit_position = k.commit_position "
                 "and c.sequence = k.sequence and c.effective_at = k.effective_at "
                 "where {} and c.effective_at >= {}::timestamptz",
                 changes_, is_of(table, source_), literal(since_))));
  Moves moves;
  if (rows.empty()) return moves;
  Groups groups;
  for (int row = 0; row < rows.count(); ++row) {
    groups.add(rows.text(row, 0));
    groups.add(rows.text(row, 1));
    groups.join(rows.text(row, 0), rows.text(row, 1));
  }
  json keys = json::array();
  std::map<std::string, int> numbers;
  for (const auto& [key, ignored] : groups.all()) {
    keys.push_back(key);
    auto number = numbers.try_emplace(groups.root(key), static_cast<int>(numbers.size()));
    moves.group[key] = number.first->second;
  }
  moves.keys_sql = keys_as_rows(keys);
  json pairs = json::array();
  for (const auto& [key, group] : moves.group) pairs.push_back({key, group});
  moves.groups_sql = fmt::format(
      "select g.pair ->> 0 as key, (g.pair ->> 1)::int as grp from "
      "jsonb_array_elements({}::jsonb) as g (pair)",
      literal(pairs.dump()));
  return moves;
}

// TRUNCATEs that were not selected, as events of all rows: (epoch, commit_position, sequence, id).
base::Result<std::string> History::truncates_of_others(const PastTable& table) {
  TRY_ASSIGN(
      pg::Rows rows,
      destination_->query(
          fmt::format("select json_agg(json_build_array(c.epoch, c.commit_position, c.sequence, "
                      "c.id) order by c.epoch, c.commit_position, c.sequence)::text from {} c "
                      "where {} and c.operation = 'TRUNCATE' and not ({}) "
                      "and c.effective_at >= {}::timestamptz",
                      changes_, is_of(table, source_), condition_.sql, literal(since_)),
          condition_.parameters));
  return rows.get(0, 0) ? rows.text(0, 0) : "[]";
}

base::Status History::stream(const std::string& sql,
                             const std::function<base::Status(const pg::Rows&, int)>& take) {
  TRY(destination_->query("declare bemi_rows no scroll cursor for " + sql, condition_.parameters));
  while (true) {
    TRY_ASSIGN(pg::Rows rows,
               destination_->run(fmt::format("fetch {} from bemi_rows", limits::fetched_rows)));
    for (int row = 0; row < rows.count(); ++row) TRY(take(rows, row));
    if (rows.count() < limits::fetched_rows) break;
  }
  TRY(destination_->run("close bemi_rows"));
  return {};
}

base::Result<History::Remarks> History::net_rows(const PastTable& table, const Places& places,
                                                 const Sink& sink) {
  TRY_ASSIGN(Moves moves, load_moves(table));
  TRY_ASSIGN(std::string truncates, truncates_of_others(table));
  std::string of = is_of(table, source_);
  // What a selected TRUNCATE took is as if it had been deleted row by row.
  std::string events = fmt::format(R"(
with emptied as (
  select c.* from {0} c where {1} and ({2}) and c.operation = 'TRUNCATE'
), taken as (
  select e.epoch, e.commit_position, e.sequence, e.id, r.key, r."row", r.exact, r.fidelity
  from emptied e cross join lateral _bemi.rows_before(e.source, e.schema, e."table", e.epoch, e.commit_position, e.sequence) r
  where r.key is not null
), touched as (
  select distinct on (k) k, e, p, s from (
    select c.primary_key as k, c.epoch as e, c.commit_position as p, c.sequence as s
    from {0} c where {1} and ({2}) and c.{3} and c.primary_key is not null
    union all select key, epoch, commit_position, sequence from taken
  ) t order by k, e, p, s
))",
                                   changes_, of, condition_.sql, row_changes);
  constexpr const char* columns =
      "select {0} as grp, c.primary_key as key, c.operation, ({1}) as selected, c.before::text, "
      "c.after::text, c.exact::text, c.fidelity::text, c.epoch, c.commit_position, c.sequence, "
      "c.id::text, {2} as previous ";
  constexpr const char* taken_columns =
      "select {0}, t.key, 'DELETE', true, t.\"row\"::text, '{{}}', "
      "jsonb_build_object('before', t.exact)::text, jsonb_build_object('before', "
      "t.fidelity)::text, "
      "t.epoch, t.commit_position, t.sequence, t.id::text, null from taken t ";
  std::string plain = events;
  if (!moves.keys_sql.empty()) {
    plain += fmt::format(", moved as (select m.key from {} m (key))", moves.keys_sql);
  }
  auto only_plain = [&](const char* key) {
    return moves.keys_sql.empty()
               ? std::string("true")
               : fmt::format("not exists (select from moved m where m.key = {})", key);
  };
  plain += fmt::format(fmt::runtime(columns), "c.primary_key", condition_.sql, "null") +
           fmt::format(
               "from touched f join {} c on c.primary_key = f.k and (c.epoch, c.commit_position, "
               "c.sequence) >= (f.e, f.p, f.s) where {} and c.{} and c.effective_at >= "
               "{}::timestamptz and {} union all ",
               changes_, of, row_changes, literal(since_), only_plain("f.k")) +
           fmt::format(fmt::runtime(taken_columns), "t.key") + "where " + only_plain("t.key") +
           " order by 1, epoch, commit_position, sequence";

  EventReader reader(table, places, truncates);
  auto take = [&](const pg::Rows& rows, int row) { return reader.take(rows, row, sink); };
  TRY(stream(plain, take));
  if (!moves.groups_sql.empty()) {
    std::string moved =
        events +
        fmt::format(
            ", grouped as ({}), wanted as (select distinct g.grp from grouped g join "
            "touched f on f.k = g.key) ",
            moves.groups_sql) +
        fmt::format(fmt::runtime(columns), "g.grp::text", condition_.sql,
                    "(select k.previous_key from _bemi.key_change k where k.source = c.source and "
                    "k.schema = c.schema and k.\"table\" = c.\"table\" and k.epoch = c.epoch and "
                    "k.commit_position = c.commit_position and k.sequence = c.sequence and "
                    "k.effective_at = c.effective_at)") +
        fmt::format(
            "from wanted w join grouped g using (grp) join {} c on c.primary_key = g.key "
            "where {} and c.{} and c.effective_at >= {}::timestamptz union all ",
            changes_, of, row_changes, literal(since_)) +
        fmt::format(fmt::runtime(taken_columns), "g.grp::text") +
        "join grouped g on g.key = t.key order by 1, epoch, commit_position, sequence";
    TRY(stream(moved, take));
  }
  TRY(reader.finish(sink));
  return Remarks{.undone = reader.net().undone(), .redacted = reader.net().redacted()};
}

// ---- Rows without a key ----

base::Status History::net_keyless_rows(const PastTable& table, const Places& places,
                                       const Sink& sink) {
  std::string of = is_of(table, source_);
  std::string sql = fmt::format(R"(
with chosen as (
  select c.* from {0} c where {1} and ({2}) and c.primary_key is null
), events as (
  select after::text as content, (exact -> 'after')::text as said, (fidelity -> 'after')::text as remarks, -1 as count,
         epoch, commit_position
  from chosen where operation in ('CREATE', 'UPDATE')
  union all
  select before::text, (exact -> 'before')::text, (fidelity -> 'before')::text, 1, epoch, commit_position
  from chosen where operation in ('UPDATE', 'DELETE')
  union all
  select r."row"::text, r.exact::text, r.fidelity::text, 1, e.epoch, e.commit_position
  from chosen e cross join lateral _bemi.rows_before(e.source, e.schema, e."table", e.epoch, e.commit_position, e.sequence) r
  where e.operation = 'TRUNCATE' and r.key is null
)
select content, said, remarks, sum(count), max(epoch), max(commit_position) from events
group by 1, 2, 3 having sum(count) <> 0 order by 1)",
                                changes_, of, condition_.sql);
  EventReader reader(table, places, "[]");
  return stream(
      sql, [&](const pg::Rows& rows, int row) { return reader.take_keyless(rows, row, sink); });
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
