// SPDX-License-Identifier: LGPL-3.0-or-later
#include "revert/key_handover.hpp"

#include <fmt/format.h>

namespace bemi::revert {
namespace {

// The key that a row has, and the one that it will have.
std::string handover_sql(const StageTable& table, const Execution& execution) {
  std::string had;
  std::string wants;
  std::string places;
  for (const KeyColumn& key : table.live->key) {
    std::string name = table.live->quoted_column(key.column);
    had += fmt::format("{}l.{}::text", had.empty() ? "" : ", ", name);
    wants += fmt::format("{}case when {} = any (s.columns) then r.t{}::text else l.{}::text end",
                         wants.empty() ? "" : ", ", key.column, key.column, name);
    places += (places.empty() ? "" : ",") + std::to_string(key.column);
  }
  return fmt::format(
      "drop table if exists pg_temp._bemi_slot; create temp table _bemi_slot on commit drop as "
      "select s.n, s.kind, s.at, s.rel, case when s.kind in ('D', 'U') then array[{}] end as had, "
      "case when s.kind in ('I', 'U') then array[{}] end as wants "
      "from pg_temp._bemi_state s join {} r using (n) left join {} l on l.ctid = s.at and "
      "l.tableoid = s.rel "
      "where s.tab = {} and s.state = 'go' and s.n between {} and {} and (s.kind in ('D', 'I') or "
      "s.kind = 'U' "
      "and s.columns && '{{{}}}')",
      had, wants, table.rows(), table.live->only(), table.tab, execution.first, execution.last,
      places);
}

// Pairs each taker of a key with its giver; then lists all rows of both.
constexpr const char* handed_sql = R"(
drop table if exists pg_temp._bemi_handed;
create temp table _bemi_handed on commit drop as
select x.n as taker, y.n as giver from pg_temp._bemi_slot x join pg_temp._bemi_slot y on y.had = x.wants and y.n <> x.n)";

base::Status hand_over(pg::Connection& source, Stage& stage, const StageTable& table,
                       const StageShape& shape) {
  const LiveTable& live = *table.live;
  std::vector<int> columns = shape.columns;
  std::string rest;
  if (shape.kind == RowKind::update) {
    columns.clear();
    for (int column = 0; column < static_cast<int>(live.columns.size()); ++column) {
      columns.push_back(column);
      if (!shape.has(column)) {
        rest += fmt::format("{}t{} = l.{}", rest.empty() ? "" : ", ", column,
                            live.quoted_column(column));
      }
    }
  }
  int whole = stage.shape_id(table.tab, RowKind::replace, columns);
  if (!rest.empty()) {
    TRY(
        source.run(fmt::format("update {0} r set {1} from pg_temp._bemi_state s join {2} l on "
                               "l.ctid = s.at and l.tableoid = s.rel "
                               "where s.n = r.n and s.shape = {3} and s.kind = 'U' and exists "
                               "(select from pg_temp._bemi_handed h "
                               "where s.n in (h.taker, h.giver))",
                               table.rows(), rest, live.only(), shape.id)));
  }
  TRY(source.run(
      fmt::format("update pg_temp._bemi_state s set shape = {0}, columns = '{1}', kind = case when "
                  "g.n is null then 'I' "
                  "else 'R' end::\"char\", at = g.at, rel = g.rel from pg_temp._bemi_slot x "
                  "left join pg_temp._bemi_handed h on h.taker = x.n left join pg_temp._bemi_slot "
                  "g on g.n = h.giver "
                  "where x.n = s.n and s.shape = {2} and s.state = 'go' and s.kind in ('I', 'U') "
                  "and exists (select from "
                  "pg_temp._bemi_handed e where s.n in (e.taker, e.giver))",
                  whole, array_of(columns), shape.id)));
  return {};
}

base::Status hand_over_keys_of(pg::Connection& source, Stage& stage, const StageTable& table,
                               const Execution& execution) {
  TRY(source.run(handover_sql(table, execution)));
  TRY(source.run(handed_sql));
  TRY_ASSIGN(pg::Rows any, source.run("select exists (select from pg_temp._bemi_handed)"));
  if (!any.truth(0, 0)) return {};
  std::vector<StageShape> shapes = stage.shapes();  // more of them come
  for (const StageShape& shape : shapes) {
    bool targets = shape.kind == RowKind::insert || shape.kind == RowKind::update;
    if (shape.tab == table.tab && targets) TRY(hand_over(source, stage, table, shape));
  }
  // If nobody takes the key, the row that moved elsewhere leaves its old key behind.
  int leaving = stage.shape_id(table.tab, RowKind::remove, {table.live->key.front().column});
  TRY(source.run(fmt::format(
      "update pg_temp._bemi_state s set state = 'merged' from pg_temp._bemi_handed h where h.giver "
      "= s.n and "
      "s.kind = 'D' and s.state = 'go'; "
      "insert into pg_temp._bemi_state (n, tab, kind, shape, at, rel, columns, later, state) "
      "select -x.n, {0}, 'D', {1}, x.at, x.rel, '{{}}', '{{}}', 'go' from pg_temp._bemi_slot x "
      "where x.kind = "
      "'U' and exists (select from pg_temp._bemi_handed h where h.taker = x.n) and not exists "
      "(select from "
      "pg_temp._bemi_handed h where h.giver = x.n)",
      table.tab, leaving)));
  return {};
}

}  // namespace

base::Status hand_over_keys(pg::Connection& source, Stage& stage, const Execution& execution) {
  for (int tab : execution.by_slot) {
    const StageTable table = stage.table(tab);
    if (!table.live->key.empty()) TRY(hand_over_keys_of(source, stage, table, execution));
  }
  return {};
}

}  // namespace bemi::revert
