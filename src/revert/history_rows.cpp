// SPDX-License-Identifier: LGPL-3.0-or-later
//
// Reads the rows of History: groups changes by row and reduces them.
#include <map>
#include <unordered_map>
#include <utility>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "revert/event_reader.hpp"
#include "revert/history.hpp"
#include "revert/limits.hpp"

namespace bemi::revert {
namespace {

using nlohmann::json;

std::string literal(const std::string& text) { return pg::quote_literal(text); }

// The columns that EventReader takes.
constexpr std::string_view event_columns =
    "select {0} as grp, c.primary_key as key, c.operation, ({1}) as selected, c.before::text, "
    "c.after::text, c.exact::text, c.fidelity::text, c.epoch, c.commit_position, c.sequence, "
    "c.id::text, {2} as previous ";
constexpr std::string_view taken_columns =
    "select {0}, t.key, 'DELETE', true, t.\"row\"::text, '{{}}', "
    "jsonb_build_object('before', t.exact)::text, jsonb_build_object('before', t.fidelity)::text, "
    "t.epoch, t.commit_position, t.sequence, t.id::text, null from taken t ";
constexpr const char* previous_key =
    "(select k.previous_key from _bemi.key_change k where k.source = c.source and k.schema = "
    "c.schema "
    "and k.\"table\" = c.\"table\" and k.epoch = c.epoch and k.commit_position = c.commit_position "
    "and k.sequence = c.sequence and k.effective_at = c.effective_at)";

}  // namespace

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

// One probe of the history for each key that moved, for the reason that changes_of_sql gives.
base::Result<History::Moves> History::load_moves(const PastTable& table) {
  TRY_ASSIGN(pg::Rows rows,
             destination_->run(fmt::format(
                 "select distinct k.previous_key, c.primary_key from _bemi.key_change k "
                 "cross join lateral (select c.primary_key from {} c where c.source = k.source "
                 "and c.schema = k.schema and c.\"table\" = k.\"table\" and c.epoch = k.epoch "
                 "and c.commit_position = k.commit_position and c.sequence = k.sequence "
                 "and c.effective_at = k.effective_at and c.effective_at >= {} and {} offset 0) c "
                 "where k.source = {} and k.effective_at >= {}::timestamptz",
                 changes_, floor_, is_of(table, source_), literal(source_), literal(since_))));
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

// Transactions in which keys may have passed from row to row: (epoch, commit_position).
base::Result<std::string> History::passes(const PastTable& table) {
  TRY_ASSIGN(pg::Rows rows,
             destination_->run(fmt::format(
                 "select json_agg(json_build_array(c.epoch, c.commit_position))::text from "
                 "(select p.*, 0 as sequence from _bemi.key_pass p) c where {} "
                 "and c.effective_at >= {}::timestamptz",
                 is_of(table, source_), literal(since_))));
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

// The rows that selected TRUNCATEs took, of the table and of its partitions.
std::string History::taken_sql(const PastTable& table) const {
  std::string sql = fmt::format(
      "select e.epoch, e.commit_position, e.sequence, e.id, r.key, r.\"row\", r.exact, r.fidelity "
      "from (select c.* from {} c where {} and ({}) and c.operation = 'TRUNCATE') e cross join "
      "lateral _bemi.rows_before(e.source, e.schema, e.\"table\", e.epoch, e.commit_position, "
      "e.sequence) r",
      changes_, is_of(table, source_), asked_);
  for (const EmptiedPartition& partition : table.emptied) {
    sql += fmt::format(
        " union all select e.epoch, e.commit_position, e.sequence, e.id, r.key, r.\"row\", "
        "r.exact, "
        "r.fidelity from (select c.* from {} c where c.source = {} and c.schema = {} and "
        "c.\"table\" = {} and ({}) and c.operation = 'TRUNCATE') e cross join lateral "
        "_bemi.rows_before(e.source, {}, {}, e.epoch, e.commit_position, e.sequence, true) r "
        "where (select ({}) from jsonb_to_record(r.\"row\") as one ({}))",
        changes_, literal(source_), literal(partition.schema), literal(partition.table), asked_,
        literal(table.schema), literal(table.table), partition.constraint, partition.columns);
  }
  return sql;
}

// The events of all rows that selected changes touched: a head that later parts of the statement
// take from. What a selected TRUNCATE took is as if it had been deleted row by row.
std::string History::touched_sql(const PastTable& table) const {
  return fmt::format(R"(
with taken as (
  select * from ({4}) t where t.key is not null
), touched as (
  select distinct on (k) k, e, p, s from (
    select c.primary_key as k, c.epoch as e, c.commit_position as p, c.sequence as s
    from {0} c where {1} and ({2}) and c.{3} and c.primary_key is not null
    union all select key, epoch, commit_position, sequence from taken
  ) t order by k, e, p, s
))",
                     changes_, is_of(table, source_), asked_, row_changes, taken_sql(table));
}

// The counted changes of one key, an SQL expression of what stands before it in FROM. Each key is a
// probe of the index of records. OFFSET keeps PostgreSQL from planning both sides as one: right
// after a large statement its statistics say that none of them has a row, and each would be
// compared with each. The bound is a subquery because its value is beyond all that the statistics
// have seen; where its partition begins is not.
std::string History::changes_of_sql(const PastTable& table, const std::string& key,
                                    const std::string& condition) const {
  return fmt::format(
      "cross join lateral (select * from {} c where c.primary_key = {} and {} and c.{} and "
      "c.effective_at >= (select {}::timestamptz) and c.effective_at >= {} and {} and {} "
      "offset 0) c ",
      changes_, key, is_of(table, source_), row_changes, literal(since_), floor_, counted_,
      condition);
}

// Rows whose keys never moved: a key is a group of its own.
std::string History::settled_rows_sql(const PastTable& table, const Moves& moves) const {
  bool some = !moves.keys_sql.empty();
  auto settled = [&](const char* key) {
    return some ? fmt::format("not exists (select from moved m where m.key = {})", key)
                : std::string("true");
  };
  return touched_sql(table) +
         (some ? fmt::format(", moved as (select m.key from {} m (key))", moves.keys_sql) : "") +
         fmt::format(event_columns, "c.primary_key", condition_.sql, "null") + "from touched f " +
         changes_of_sql(table, "f.k",
                        "(c.epoch, c.commit_position, c.sequence) >= (f.e, f.p, f.s)") +
         "where " + settled("f.k") + " union all " + fmt::format(taken_columns, "t.key") +
         "where " + settled("t.key") + " order by 1, epoch, commit_position, sequence";
}

// Rows that passed keys on to each other, all of a group together.
std::string History::moved_rows_sql(const PastTable& table, const Moves& moves) const {
  return touched_sql(table) +
         fmt::format(
             ", grouped as ({}), wanted as (select distinct g.grp from grouped g join "
             "touched f on f.k = g.key) ",
             moves.groups_sql) +
         fmt::format(event_columns, "g.grp::text", condition_.sql, previous_key) +
         "from wanted w join grouped g using (grp) " + changes_of_sql(table, "g.key", "true") +
         "union all " + fmt::format(taken_columns, "g.grp::text") +
         "join grouped g on g.key = t.key order by 1, epoch, commit_position, sequence";
}

base::Result<History::Remarks> History::net_rows(const PastTable& table, const Places& places,
                                                 const Sink& sink) {
  TRY_ASSIGN(Moves moves, load_moves(table));
  TRY_ASSIGN(std::string truncates, truncates_of_others(table));
  TRY_ASSIGN(std::string passing, passes(table));
  EventReader reader(table, places, truncates, passing);
  auto take = [&](const pg::Rows& rows, int row) { return reader.take(rows, row, sink); };
  TRY(stream(settled_rows_sql(table, moves), take));
  if (!moves.groups_sql.empty()) TRY(stream(moved_rows_sql(table, moves), take));
  TRY(reader.finish(sink));
  return Remarks{.undone = reader.net().undone(), .redacted = reader.net().redacted()};
}

base::Status History::net_keyless_rows(const PastTable& table, const Places& places,
                                       const Sink& sink) {
  std::string of = is_of(table, source_);
  std::string sql = fmt::format(R"(
with chosen as (
  select c.*, ({4}) as asked from {0} c where {1} and ({2}) and c.primary_key is null
), events as (
  select after::text as content, (exact -> 'after')::text as said, (fidelity -> 'after')::text as remarks, -1 as count,
         asked, epoch, commit_position
  from chosen where operation in ('CREATE', 'UPDATE')
  union all
  select before::text, (exact -> 'before')::text, (fidelity -> 'before')::text, 1, asked, epoch, commit_position
  from chosen where operation in ('UPDATE', 'DELETE')
  union all
  select t."row"::text, t.exact::text, t.fidelity::text, 1, true, t.epoch, t.commit_position
  from ({3}) t where t.key is null
)
select content, said, remarks, sum(count), max(epoch), max(commit_position) from events
group by 1, 2, 3 having sum(count) <> 0 and bool_or(asked) order by 1)",
                                changes_, of, condition_.sql, taken_sql(table), asked_);
  EventReader reader(table, places, "[]");
  return stream(
      sql, [&](const pg::Rows& rows, int row) { return reader.take_keyless(rows, row, sink); });
}

}  // namespace bemi::revert
