// SPDX-License-Identifier: LGPL-3.0-or-later
#include "revert/execution.hpp"

#include <algorithm>

#include <fmt/format.h>

#include "revert/key_handover.hpp"
#include "revert/references.hpp"

namespace bemi::revert {
namespace {

const StageTable& table_of(const Stage& stage, const StageShape& shape) {
  return stage.table(shape.tab);
}

UpdateBy update_by(const Execution& execution, int tab) {
  auto found = execution.updates.find(tab);
  return found == execution.updates.end() ? UpdateBy::update : found->second;
}

bool updates(const StageShape& shape) {
  return shape.kind == RowKind::update || shape.kind == RowKind::replace;
}

// Which staged rows (alias s) a part of the statement is about.
std::string rows_of(const StageShape& shape, const Execution& execution, char kind) {
  std::string sql =
      fmt::format("s.shape = {} and s.state = 'go' and s.kind = '{}'", shape.id, kind);
  if (execution.last != INT64_MAX) {
    sql += fmt::format(" and abs(s.n) between {} and {}", execution.first, execution.last);
  }
  return sql;
}

// The columns to set: of a row that comes back over another one, not its key.
std::vector<int> set_columns(const LiveTable& live, const StageShape& shape) {
  std::vector<int> columns;
  for (int column : shape.columns) {
    bool key = std::ranges::find(live.key, column, &KeyColumn::column) != live.key.end();
    if (shape.kind == RowKind::update || !key) columns.push_back(column);
  }
  return columns;
}

// A statement under construction: parts that go after each other, since each asks for the counts
// of those before it.
class Statement {
 public:
  void part(const std::string& name, const std::string& sql) {
    parts_ += (parts_.empty() ? "with " : ",\n") + name + " as (\n  " + sql + ")";
    level_ += fmt::format("{}(select count(*) from {})", level_.empty() ? "" : " + ", name);
  }
  void next_level() {
    if (!level_.empty()) after_ += (after_.empty() ? "" : " + ") + level_;
    level_.clear();
  }
  [[nodiscard]] std::string after() const {
    return after_.empty() ? "" : " and " + after_ + " >= 0";
  }
  void count(const std::string& name) {
    counts_ += fmt::format("{}(select count(*) from {})", counts_.empty() ? "" : ", ", name);
  }
  [[nodiscard]] std::string sql() const { return parts_ + "\nselect " + counts_; }

 private:
  std::string parts_;
  std::string level_;
  std::string after_;
  std::string counts_;
};

std::string column_list(const LiveTable& live, const std::vector<int>& columns) {
  std::string list;
  for (int column : columns) list += (list.empty() ? "" : ", ") + live.quoted_column(column);
  return list;
}

void add_delete(Statement& statement, const Stage& stage, const StageShape& shape,
                const Execution& execution) {
  const LiveTable& live = *table_of(stage, shape).live;
  if (shape.kind == RowKind::remove) {
    statement.part(
        fmt::format("d{}", shape.id),
        fmt::format("delete from {} t using pg_temp._bemi_state s where {} and t.ctid = s.at and "
                    "t.tableoid = s.rel returning 1",
                    live.only(), rows_of(shape, execution, 'D')));
  } else if (updates(shape) && update_by(execution, shape.tab) == UpdateBy::replacing) {
    std::string values;
    for (std::size_t i = 0; i < live.columns.size(); ++i) {
      values += fmt::format(", t.{} as c{}", live.quoted_column(static_cast<int>(i)), i);
    }
    statement.part(
        fmt::format("u{}", shape.id),
        fmt::format("delete from {} t using pg_temp._bemi_state s where {} and t.ctid = s.at and "
                    "t.tableoid = s.rel returning s.n as n{}",
                    live.only(), rows_of(shape, execution, static_cast<char>(shape.kind)), values));
  }
}

void add_update(Statement& statement, const Stage& stage, const StageShape& shape,
                const Execution& execution) {
  if (!updates(shape) || update_by(execution, shape.tab) == UpdateBy::replacing) return;
  const StageTable& table = table_of(stage, shape);
  std::string sets;
  for (int column : set_columns(*table.live, shape)) {
    sets += fmt::format("{}{} = r.t{}", sets.empty() ? "" : ", ", table.live->quoted_column(column),
                        column);
  }
  if (sets.empty()) return;
  statement.part(
      fmt::format("u{}", shape.id),
      fmt::format("update {} t set {} from pg_temp._bemi_state s join {} r using (n) where {} and "
                  "t.ctid = s.at and t.tableoid = s.rel{} returning 1",
                  table.live->only(), sets, table.rows(),
                  rows_of(shape, execution, static_cast<char>(shape.kind)), statement.after()));
}

void add_insert(Statement& statement, const Stage& stage, const StageShape& shape,
                const Execution& execution) {
  const StageTable& table = table_of(stage, shape);
  const LiveTable& live = *table.live;
  bool comes_back = shape.kind == RowKind::insert || shape.kind == RowKind::replace;
  if (comes_back && !shape.columns.empty()) {
    std::string values;
    for (int column : shape.columns)
      values += fmt::format("{}r.t{}", values.empty() ? "" : ", ", column);
    statement.part(
        fmt::format("i{}", shape.id),
        fmt::format(
            "insert into {} ({}) overriding system value select {} from pg_temp._bemi_state s "
            "join {} r using (n) where {}{} order by s.n returning 1",
            live.quoted(), column_list(live, shape.columns), values, table.rows(),
            rows_of(shape, execution, 'I'), statement.after()));
  }
  if (!updates(shape) || update_by(execution, shape.tab) != UpdateBy::replacing) return;
  std::vector<int> all;
  std::string values;
  for (int column = 0; column < static_cast<int>(live.columns.size()); ++column) {
    all.push_back(column);
    values +=
        fmt::format("{}{}{}", column == 0 ? "" : ", ", shape.has(column) ? "r.t" : "x.c", column);
  }
  statement.part(
      fmt::format("b{}", shape.id),
      fmt::format("insert into {} ({}) overriding system value select {} from u{} x join {} r "
                  "on r.n = x.n where true{} returning 1",
                  live.quoted(), column_list(live, all), values, shape.id, table.rows(),
                  statement.after()));
}

// A value that no row has, by type; empty where we know none.
std::string parked_value(const LiveTable& live, int column) {
  const LiveColumn& its = live.columns[static_cast<std::size_t>(column)];
  std::string name = live.quoted_column(column);
  if (!its.not_null) return "null";
  for (const char* number :
       {"smallint", "integer", "bigint", "numeric", "real", "double precision"}) {
    if (its.type.starts_with(number)) {
      return fmt::format("least((select min(o.{}) from {} o), 0) - s.n", name, live.only());
    }
  }
  for (const char* text : {"text", "character varying", "citext"}) {
    if (its.type.starts_with(text) || its.type.ends_with(".citext"))
      return "'bemi-' || gen_random_uuid()::text";
  }
  if (its.type == "uuid") return "gen_random_uuid()";
  return "";
}

// One key's values, of the rows that will have others: a column of it gets one that no row has.
base::Status park(pg::Connection& source, const StageTable& table, const UniqueKey& key,
                  const Execution& execution) {
  const LiveTable& live = *table.live;
  std::vector<int> columns;
  for (const KeyColumn& column : key.columns) columns.push_back(column.column);
  auto able = std::ranges::find_if(columns,
                                   [&](int column) { return !parked_value(live, column).empty(); });
  if (able == columns.end()) return {};  // the statement itself will tell
  TRY(source.run(fmt::format(
      "with moved as (update {0} t set {1} = {2} from pg_temp._bemi_state s where s.tab = {3} and "
      "s.state = 'go' and s.kind = 'U' and s.columns operator(pg_catalog.&&) "
      "'{4}'::pg_catalog.int4[] and s.n between {5} and {6} and "
      "t.ctid = s.at and t.tableoid = s.rel returning s.n, t.ctid as at, t.tableoid as rel) "
      "update pg_temp._bemi_state s set at = m.at, rel = m.rel from moved m where m.n = s.n",
      live.only(), live.quoted_column(*able), parked_value(live, *able), table.tab,
      array_of(columns), execution.first, execution.last)));
  return {};
}

base::Status park_all(pg::Connection& source, Stage& stage, const Execution& execution) {
  for (const auto& [tab, keys] : execution.parked) {
    const StageTable table = stage.table(tab);
    for (const UniqueKey* key : keys) TRY(park(source, table, *key, execution));
    TRY(stage.find_again(tab));
  }
  return {};
}

// Rows that the statement did not write though it should have.
base::Status check_counts(pg::Connection& source, const Stage& stage, const Execution& execution,
                          const pg::Rows& counts) {
  std::vector<const StageShape*> shapes = shapes_in(stage);
  for (std::size_t i = 0; i < shapes.size(); ++i) {
    const StageShape& shape = *shapes[i];
    TRY_ASSIGN(
        pg::Rows wanted,
        source.run(fmt::format("select count(*) from pg_temp._bemi_state s where s.shape = {} and "
                               "s.state = 'go' and abs(s.n) between {} and {}",
                               shape.id, execution.first, execution.last)));
    std::int64_t done = counts.integer(0, static_cast<int>(i));
    if (done == wanted.integer(0, 0)) continue;
    const LiveTable& live = *table_of(stage, shape).live;
    return base::fail(
        base::ErrorKind::rejected,
        fmt::format("{} of {} rows of {} were not written: a trigger or a rule kept them back",
                    wanted.integer(0, 0) - done, wanted.integer(0, 0), live.quoted()),
        "check its triggers; --no-triggers switches them off during the undo");
  }
  return {};
}

// Restored rows must not have gone again by a cascade or a trigger.
base::Status check_there(pg::Connection& source, const StageShape& shape, const LiveTable& live,
                         const pg::Rows& rows) {
  bool all = !rows.empty() && rows.integer(0, 0) >= rows.integer(0, 1);
  if (rows.empty()) {
    TRY_ASSIGN(pg::Rows any,
               source.run(fmt::format("select exists (select from pg_temp._bemi_state where "
                                      "shape = {} and state = 'go')",
                                      shape.id)));
    all = !any.truth(0, 0);
  }
  if (all) return {};
  return base::fail(base::ErrorKind::rejected,
                    "rows of " + live.quoted() +
                        " that came back went again: by a foreign key's action, or a trigger",
                    "check its triggers; --no-triggers switches them off during the undo");
}

std::string key_after(const LiveTable& live, const StageShape& shape) {
  std::string condition;
  for (const KeyColumn& key : live.key) {
    condition += fmt::format("{}t.{} {} r.{}{}", condition.empty() ? "" : " and ",
                             live.quoted_column(key.column), key.equals,
                             shape.has(key.column) ? 't' : 'e', key.column);
  }
  return condition;
}

}  // namespace

std::vector<const StageShape*> shapes_in(const Stage& stage) {
  std::vector<const StageShape*> shapes;
  for (const StageShape& shape : stage.shapes()) {
    if (shape.kind == RowKind::none || shape.columns.empty()) continue;
    shapes.push_back(&shape);
  }
  return shapes;
}

base::Result<Execution> plan_execution(pg::Connection& source, const Stage& stage,
                                       const LiveSchema& schema, bool careful) {
  Execution execution;
  execution.careful = careful;
  for (const StageTable& table : stage.tables()) {
    bool referred = std::ranges::any_of(schema.foreign_keys, [&](const ForeignKey& key) {
      return key.parent == table.live->oid && (key.on_delete != 'a' || key.on_update != 'a');
    });
    if (referred) execution.by_slot.insert(table.tab);
    TRY_ASSIGN(std::vector<const UniqueKey*> exchanged, exchanged_keys(source, stage, table));
    if (referred) std::erase_if(exchanged, [](const UniqueKey* key) { return key->primary; });
    bool identity = std::ranges::any_of(stage.shapes(), [&](const StageShape& shape) {
      return shape.tab == table.tab && shape.kind == RowKind::update &&
             std::ranges::any_of(shape.columns, [&](int column) {
               return table.live->columns[static_cast<std::size_t>(column)].identity_always;
             });
    });
    bool in_the_way = careful && table.live->otherwise_unique && !referred;
    if (exchanged.empty() && !identity && !in_the_way) continue;
    execution.updates[table.tab] = referred ? UpdateBy::parking : UpdateBy::replacing;
    if (referred) execution.parked[table.tab] = std::move(exchanged);
  }
  return execution;
}

bool may_be_careful(const Stage& stage, const Execution& execution, const base::Error& refused) {
  bool in_the_way = refused.sqlstate == "23505" || refused.sqlstate == "23P01";
  return in_the_way && !execution.careful &&
         std::ranges::any_of(stage.tables(),
                             [](const StageTable& table) { return table.live->otherwise_unique; });
}

std::string statement_of(const Stage& stage, const Execution& execution) {
  Statement statement;
  std::vector<const StageShape*> shapes = shapes_in(stage);
  for (const StageShape* shape : shapes) add_delete(statement, stage, *shape, execution);
  statement.next_level();
  for (const StageShape* shape : shapes) add_update(statement, stage, *shape, execution);
  statement.next_level();
  for (const StageShape* shape : shapes) add_insert(statement, stage, *shape, execution);
  for (const StageShape* shape : shapes) {
    bool replaced = updates(*shape) && update_by(execution, shape->tab) == UpdateBy::replacing;
    const char* name = shape->kind == RowKind::remove   ? "d{}"
                       : shape->kind == RowKind::insert ? "i{}"
                       : replaced                       ? "b{}"
                                                        : "u{}";
    std::string counted = fmt::format(fmt::runtime(name), shape->id);
    if (shape->kind == RowKind::replace) {
      bool sets = !set_columns(*table_of(stage, *shape).live, *shape).empty();
      counted = sets || replaced
                    ? fmt::format("(select 1 from i{0} union all select 1 from {1}) as {1}_all",
                                  shape->id, counted)
                    : fmt::format("i{}", shape->id);
    }
    statement.count(counted);
  }
  return statement.sql();
}

base::Status execute(pg::Connection& source, Stage& stage, const Execution& execution) {
  if (shapes_in(stage).empty()) return {};
  TRY(stage.use_own_search_path(true));
  TRY(source.run("set constraints all deferred"));
  TRY(hand_over_keys(source, stage, execution));
  TRY(park_all(source, stage, execution));
  TRY_ASSIGN(pg::Rows counts, source.run(statement_of(stage, execution)));
  TRY(check_counts(source, stage, execution, counts));
  TRY(source.run("set constraints all immediate"));
  TRY(stage.use_own_search_path(false));
  return {};
}

base::Result<std::map<int, std::vector<NotRestored>>> verify(pg::Connection& source,
                                                             const Stage& stage) {
  std::map<int, std::vector<NotRestored>> result;
  for (const StageShape* shape : shapes_in(stage)) {
    const StageTable& table = table_of(stage, *shape);
    if (shape->kind == RowKind::remove || table.live->key.empty()) continue;
    std::string counts;
    for (int column : shape->columns) {
      counts += fmt::format(", count(*) filter (where t.{}::text is distinct from r.t{}::text)",
                            table.live->quoted_column(column), column);
    }
    TRY_ASSIGN(
        pg::Rows rows,
        source.run(fmt::format(
            "select count(*), (select count(*) from pg_temp._bemi_state o where o.shape = s.shape "
            "and "
            "o.state = 'go'){} from pg_temp._bemi_state s join {} r using (n) join {} t on {} "
            "where s.shape = {} and s.state = 'go' group by s.shape",
            counts, table.rows(), table.live->only(), key_after(*table.live, *shape), shape->id)));
    TRY(check_there(source, *shape, *table.live, rows));
    if (rows.empty()) continue;
    for (std::size_t i = 0; i < shape->columns.size(); ++i) {
      std::int64_t differing = rows.integer(0, static_cast<int>(i) + 2);
      if (differing == 0) continue;
      const std::string& name =
          table.live->columns[static_cast<std::size_t>(shape->columns[i])].name;
      auto& columns = result[shape->tab];
      auto known = std::ranges::find(columns, name, &NotRestored::column);
      if (known == columns.end())
        columns.push_back({.column = name, .rows = differing});
      else
        known->rows += differing;
    }
  }
  return result;
}

base::Result<Written> written(pg::Connection& source) {
  TRY_ASSIGN(pg::Rows rows, source.run(R"(
select n.nspname, c.relname, sum(s.n_tup_ins)::bigint, sum(s.n_tup_upd)::bigint, sum(s.n_tup_del)::bigint
from pg_stat_xact_user_tables s
join pg_class c on c.oid = coalesce(pg_partition_root(s.relid), s.relid)
join pg_namespace n on n.oid = c.relnamespace
where s.n_tup_ins + s.n_tup_upd + s.n_tup_del > 0 and s.schemaname !~ '^pg_temp' group by 1, 2 order by 1, 2)"));
  Written found;
  for (int row = 0; row < rows.count(); ++row) {
    SideEffect effect{.schema = rows.text(row, 0),
                      .table = rows.text(row, 1),
                      .inserted = rows.integer(row, 2),
                      .updated = rows.integer(row, 3),
                      .deleted = rows.integer(row, 4)};
    found[{effect.schema, effect.table}] = effect;
  }
  return found;
}

base::Result<std::vector<SideEffect>> side_effects(pg::Connection& source, const Stage& stage,
                                                   const Execution& execution,
                                                   const Written& before) {
  TRY_ASSIGN(Written now, written(source));
  for (const auto& [name, effect] : before) {
    now[name].inserted -= effect.inserted;
    now[name].updated -= effect.updated;
    now[name].deleted -= effect.deleted;
  }
  TRY_ASSIGN(pg::Rows ours,
             source.run("select tab, kind, count(*) from pg_temp._bemi_state where state = "
                        "'go' group by 1, 2"));
  for (int row = 0; row < ours.count(); ++row) {
    int tab = static_cast<int>(ours.integer(row, 0));
    const LiveTable& live = *stage.table(tab).live;
    SideEffect& effect = now[{live.schema, live.table}];
    std::int64_t count = ours.integer(row, 2);
    bool replaced = update_by(execution, tab) == UpdateBy::replacing;
    std::string kind = ours.text(row, 1);
    if (kind == "I" || (replaced && kind != "D")) effect.inserted -= count;
    if (kind == "D" || (replaced && kind != "I")) effect.deleted -= count;
    if (!replaced && (kind == "U" || kind == "R")) effect.updated -= count;
  }
  std::vector<SideEffect> effects;
  for (auto& [name, effect] : now) {
    // A row that moved to another partition counts as removed and put back.
    std::int64_t moved = std::min({-effect.updated, effect.inserted, effect.deleted});
    if (moved > 0) {
      effect.updated += moved;
      effect.inserted -= moved;
      effect.deleted -= moved;
    }
    bool parked = std::ranges::any_of(execution.parked, [&](const auto& one) {
      const LiveTable& live = *stage.table(one.first).live;
      return live.schema == name.first && live.table == name.second;
    });
    if (parked || (effect.inserted <= 0 && effect.updated <= 0 && effect.deleted <= 0)) continue;
    effect.schema = name.first;
    effect.table = name.second;
    effects.push_back(effect);
  }
  return effects;
}

std::vector<std::string> described(const Stage& stage, const Execution& execution, int tab,
                                   const std::set<int>& used_shapes) {
  std::vector<std::string> lines;
  for (const StageShape* shape : shapes_in(stage)) {
    if (shape->tab != tab || !used_shapes.contains(shape->id)) continue;
    const LiveTable& live = *table_of(stage, *shape).live;
    std::string name = live.schema + "." + live.table;
    std::string columns;
    for (int column : shape->columns) {
      columns +=
          (columns.empty() ? "" : ", ") + live.columns[static_cast<std::size_t>(column)].name;
    }
    switch (shape->kind) {
      case RowKind::remove: lines.push_back("delete from " + name); break;
      case RowKind::insert: lines.push_back("insert into " + name + " (" + columns + ")"); break;
      case RowKind::update:
      case RowKind::replace:
        lines.push_back(
            "update " + name + " set " + columns +
            (update_by(execution, tab) == UpdateBy::replacing ? " (removed and put back)" : ""));
        break;
      case RowKind::none: break;
    }
  }
  std::ranges::sort(lines);
  auto [same, end] = std::ranges::unique(lines);
  lines.erase(same, end);
  return lines;
}

}  // namespace bemi::revert
