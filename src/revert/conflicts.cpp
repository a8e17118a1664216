// SPDX-License-Identifier: LGPL-3.0-or-later
#include "revert/conflicts.hpp"

#include <algorithm>
#include <map>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "revert/limits.hpp"
#include "revert/references.hpp"
#include "revert/row_values.hpp"

namespace bemi::revert {
namespace {

using nlohmann::json;

ConflictKind kind_of(const std::string& text) {
  for (ConflictKind kind :
       {ConflictKind::overwritten, ConflictKind::built_on, ConflictKind::deleted,
        ConflictKind::taken, ConflictKind::changed, ConflictKind::missing, ConflictKind::referenced,
        ConflictKind::orphan, ConflictKind::unknown, ConflictKind::rejected}) {
    if (name(kind) == text) return kind;
  }
  return ConflictKind::changed;
}

base::Status read_table(pg::Connection& source, const StageTable& table, Conflicts& conflicts,
                        std::map<std::string, std::vector<std::size_t>>& later) {
  const LiveTable& live = *table.live;
  int left = limits::conflicts_shown_max - static_cast<int>(conflicts.shown.size());
  if (left <= 0) return {};
  TRY_ASSIGN(pg::Rows rows,
             source.run(fmt::format("select s.conflict, s.key, to_json(s.conflict_columns)::text, "
                                    "s.constraint_name, s.detail, "
                                    "s.later[cardinality(s.later)], {}, {}, {}, s.kind from "
                                    "pg_temp._bemi_state s left join {} r using (n) "
                                    "left join {} t on t.ctid = s.at and t.tableoid = s.rel where "
                                    "s.tab = {} and s.conflict is not null "
                                    "and s.state in ('conflict', 'skipped') order by s.n limit {}",
                                    texts_sql(live, "r.e", false), texts_sql(live, "t.", true),
                                    texts_sql(live, "r.t", false), table.rows(), live.only(),
                                    table.tab, left)));
  for (int row = 0; row < rows.count(); ++row) {
    Conflict conflict{.kind = kind_of(rows.text(row, 0)),
                      .schema = live.schema,
                      .table = live.table,
                      .key = rows.get(row, 1) ? std::optional(rows.text(row, 1)) : std::nullopt,
                      .columns = {},
                      .later = {},
                      .constraint = rows.text(row, 3),
                      .detail = rows.text(row, 4)};
    json ours = texts_of(rows, row, 6);
    json now = texts_of(rows, row, 7);
    json target = texts_of(rows, row, 8);
    bool goes = rows.text(row, 9) == "D";
    for (const json& number : texts_of(rows, row, 2)) {
      int column = number.get<int>();
      conflict.columns.push_back({.column = live.columns[static_cast<std::size_t>(column)].name,
                                  .ours = text_at(ours, column),
                                  .live = text_at(now, column),
                                  .target = goes ? std::nullopt : text_at(target, column)});
    }
    if (rows.get(row, 5)) later[rows.text(row, 5)].push_back(conflicts.shown.size());
    conflicts.shown.push_back(std::move(conflict));
  }
  return {};
}

base::Result<bool> fails_alike(pg::Connection& source, Stage& stage, const Execution& execution,
                               const base::Error& error) {
  TRY(source.run("savepoint bemi_search"));
  base::Status done = execute(source, stage, execution);
  TRY(source.run("rollback to savepoint bemi_search"));
  return !done && done.error().sqlstate == error.sqlstate && done.error().message == error.message;
}

}  // namespace

base::Result<Conflicts> read_conflicts(pg::Connection& source, History& history,
                                       const Stage& stage) {
  Conflicts conflicts;
  TRY_ASSIGN(
      pg::Rows count,
      source.run("select count(*) from pg_temp._bemi_state where conflict is not null and state in "
                 "('conflict', 'skipped')"));
  conflicts.count = count.integer(0, 0);
  if (conflicts.count == 0) return conflicts;
  std::map<std::string, std::vector<std::size_t>> later;
  for (const StageTable& table : stage.tables()) TRY(read_table(source, table, conflicts, later));
  std::vector<std::string> ids;
  for (const auto& [id, places] : later) ids.push_back(id);
  TRY_ASSIGN(std::vector<ChangeRef> changes, history.changes(ids));
  for (const ChangeRef& change : changes) {
    for (std::size_t place : later[change.id]) conflicts.shown[place].later = change;
  }
  return conflicts;
}

base::Result<std::vector<std::string>> changes_in_the_way(pg::Connection& source, History& history,
                                                          const Stage& stage,
                                                          const LiveSchema& schema) {
  TRY_ASSIGN(
      pg::Rows later,
      source.run(
          "select distinct unnest(later) from pg_temp._bemi_state where state = 'conflict' and "
          "conflict in ('overwritten', 'built_on', 'deleted', 'taken')"));
  std::vector<std::string> ids;
  for (int row = 0; row < later.count(); ++row) ids.push_back(later.text(row, 0));
  TRY_ASSIGN(std::vector<Dependent> rows, dependents(source, stage, schema));
  for (const Dependent& row : rows) {
    if (static_cast<std::int64_t>(ids.size()) > limits::cascade_changes_max) break;
    TRY_ASSIGN(std::vector<std::string> more,
               history.changes_of_row(row.schema, row.table, row.key));
    ids.insert(ids.end(), more.begin(), more.end());
  }
  return ids;
}

base::Result<std::string> find_refused(pg::Connection& source, Stage& stage, Execution execution,
                                       const base::Error& error) {
  std::int64_t first = 1;
  std::int64_t last = stage.rows();
  bool found = true;
  while (first < last && found) {
    std::int64_t middle = first + (last - first) / 2;
    execution.first = first;
    execution.last = middle;
    TRY_ASSIGN(bool lower, fails_alike(source, stage, execution, error));
    if (lower) {
      last = middle;
      continue;
    }
    execution.first = middle + 1;
    execution.last = last;
    TRY_ASSIGN(found, fails_alike(source, stage, execution, error));
    first = middle + 1;
  }
  // Refused only together: no single row is to blame.
  if (!found) return std::string();
  return std::to_string(first);
}

}  // namespace bemi::revert
