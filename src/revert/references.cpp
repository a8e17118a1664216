// SPDX-License-Identifier: LGPL-3.0-or-later
#include "revert/references.hpp"

#include <algorithm>
#include <optional>

#include <fmt/format.h>

namespace bemi::revert {
namespace {

// Which rows count as done by the plan: under `fail` all that were asked for, so that one conflict
// does not bring others with it.
std::string active(OnConflict policy, const char* alias) {
  return policy == OnConflict::fail ? fmt::format("{}.state in ('go', 'conflict')", alias)
                                    : fmt::format("{}.state = 'go'", alias);
}

std::optional<std::vector<int>> places(const StageTable& table,
                                       const std::vector<std::string>& names) {
  std::vector<int> columns;
  for (const std::string& name : names) {
    auto place = table.live->place_of(name);
    if (!place) return std::nullopt;  // generated: what decides is elsewhere
    columns.push_back(*place);
  }
  return columns;
}

bool touches(const StageShape& shape, const std::vector<int>& columns) {
  return std::ranges::any_of(columns, [&](int column) { return shape.has(column); });
}

// One value of a row as the plan leaves it: what goes back, else what is there (l).
std::string value_after(const StageTable& table, const StageShape& shape, int column) {
  if (shape.has(column)) return fmt::format("r.t{}", column);
  if (shape.kind == RowKind::insert) return "null";
  return "l." + table.live->quoted_column(column);
}

std::string live_row(const StageTable& table, const StageShape& shape) {
  if (shape.kind == RowKind::insert) return "";
  return fmt::format(" join {} l on l.ctid = s.at and l.tableoid = s.rel", table.live->only());
}

bool writes(const StageShape& shape) {
  return shape.kind == RowKind::insert || shape.kind == RowKind::update ||
         shape.kind == RowKind::replace;
}

// A live row (alias `row`) that the plan takes away, or takes these columns' values from.
std::string moves_away(const StageTable* table, const std::vector<int>& columns,
                       const std::string& row, OnConflict policy) {
  if (table == nullptr) return "false";
  return fmt::format(
      "exists (select from pg_temp._bemi_state o where o.at = {0}.ctid and o.rel = {0}.tableoid "
      "and "
      "o.tab = {1} and {2} and (o.kind = 'D' or o.kind in ('U', 'R') and o.columns && '{3}'))",
      row, table->tab, active(policy, "o"), array_of(columns));
}

class Checks {
 public:
  Checks(pg::Connection& source, const Stage& stage, const LiveSchema& schema, OnConflict policy)
      : source_(source), stage_(stage), schema_(schema), policy_(policy) {}

  // Returns the number of rows that are newly in conflict.
  base::Result<std::int64_t> run() {
    std::int64_t found = 0;
    for (const ForeignKey& key : schema_.foreign_keys) {
      TRY_ASSIGN(std::int64_t referenced, check_referenced(key));
      TRY_ASSIGN(std::int64_t orphans, check_orphans(key));
      found += referenced + orphans;
    }
    for (const StageTable& table : stage_.tables()) {
      for (const UniqueKey& key : table.live->unique) {
        TRY_ASSIGN(std::int64_t taken, check_taken(table, key));
        found += taken;
      }
    }
    return found;
  }

  // The rows that refer to row s (r: typed) and stay: " from ... where ...".
  [[nodiscard]] std::optional<std::string> referring(const ForeignKey& key) const {
    const StageTable* parent = stage_.table_of(key.parent);
    if (parent == nullptr) return std::nullopt;
    auto parent_columns = places(*parent, key.parent_columns);
    if (!parent_columns) return std::nullopt;
    const StageTable* child = stage_.table_of(key.child);
    std::vector<int> child_columns;
    if (child != nullptr)
      child_columns = places(*child, key.child_columns).value_or(std::vector<int>{});
    std::string match;
    for (std::size_t i = 0; i < key.child_columns.size(); ++i) {
      match += fmt::format("{}r.e{} {} c.{}", i > 0 ? " and " : "", (*parent_columns)[i],
                           key.equals[i], pg::quote_identifier(key.child_columns[i]));
    }
    // Children follow a changed key where the foreign key says so.
    std::string change = key.on_update == 'c'
                             ? ""
                             : fmt::format(" or s.kind in ('U', 'R') and s.columns && '{}'",
                                           array_of(*parent_columns));
    return fmt::format(
        " from pg_temp._bemi_state s join {} r using (n) join {}{} c on {} where s.tab = {} and {} "
        "and (s.kind = 'D'{}) and not {}{}",
        parent->rows(), key.child_only, key.child_name, match, parent->tab, active(policy_, "s"),
        change, moves_away(child, child_columns, "c", policy_),
        replaced(key, *parent, *parent_columns));
  }

 private:
  // Another row comes back with the key that this one gives up: who referred to the one refers to
  // the other. Where the foreign key acts on what goes, that is so of the rows' own key
  // (key_handover).
  [[nodiscard]] std::string replaced(const ForeignKey& key, const StageTable& parent,
                                     const std::vector<int>& columns) const {
    bool own = columns.size() == parent.live->key.size() &&
               std::ranges::all_of(parent.live->key, [&](const KeyColumn& one) {
                 return std::ranges::find(columns, one.column) != columns.end();
               });
    if (!own && (key.on_delete != 'a' || key.on_update != 'a')) return "";
    std::string match;
    for (std::size_t i = 0; i < columns.size(); ++i) {
      match += fmt::format(" and q.t{} {} c.{}", columns[i], key.equals[i],
                           pg::quote_identifier(key.child_columns[i]));
    }
    return fmt::format(
        " and not exists (select from pg_temp._bemi_state o join {} q using (n) where o.tab = {} "
        "and o.n <> s.n and {} and o.kind in ('I', 'U', 'R') and o.columns @> '{}'{})",
        parent.rows(), parent.tab, active(policy_, "o"), array_of(columns), match);
  }

  base::Result<std::int64_t> note(const std::string& kind, const std::string& constraint,
                                  const std::string& found) {
    TRY_ASSIGN(
        pg::Rows rows,
        source_.run(fmt::format(
            "update pg_temp._bemi_state s set state = {}, conflict = {}, constraint_name = {}, "
            "detail = f.detail, conflict_columns = '{{}}' from ({}) f where s.n = f.n and s.state "
            "= 'go'",
            policy_ == OnConflict::skip ? "'skipped'" : "'conflict'", pg::quote_literal(kind),
            pg::quote_literal(constraint), found)));
    return rows.affected();
  }

  base::Result<std::int64_t> check_referenced(const ForeignKey& key) {
    auto rows = referring(key);
    if (!rows) return 0;
    return note(
        "referenced", key.name,
        fmt::format("select s.n, case count(*) when 1 then '1 row' else count(*) || ' rows' end || "
                    "' of ' || {} || case count(*) when 1 then ' refers' else ' refer' end || "
                    "' to it' as detail{} group by s.n",
                    pg::quote_literal(key.child_name), *rows));
  }

  base::Result<std::int64_t> check_orphans(const ForeignKey& key) {
    const StageTable* child = stage_.table_of(key.child);
    if (child == nullptr) return 0;
    auto child_columns = places(*child, key.child_columns);
    if (!child_columns) return 0;
    std::int64_t found = 0;
    for (const StageShape& shape : stage_.shapes()) {
      if (shape.tab != child->tab || !writes(shape) || !touches(shape, *child_columns)) continue;
      TRY_ASSIGN(std::int64_t orphans, check_orphans(key, *child, shape, *child_columns));
      found += orphans;
    }
    return found;
  }

  base::Result<std::int64_t> check_orphans(const ForeignKey& key, const StageTable& child,
                                           const StageShape& shape,
                                           const std::vector<int>& child_columns) {
    const StageTable* parent = stage_.table_of(key.parent);
    std::vector<int> parent_columns;
    if (parent != nullptr)
      parent_columns = places(*parent, key.parent_columns).value_or(std::vector<int>{});
    std::string present;
    std::string match;
    for (std::size_t i = 0; i < child_columns.size(); ++i) {
      std::string value = value_after(child, shape, child_columns[i]);
      present += " and " + value + " is not null";
      match += fmt::format("{}p.{} {} {}", i > 0 ? " and " : "",
                           pg::quote_identifier(key.parent_columns[i]), key.equals[i], value);
    }
    std::string coming;
    if (parent != nullptr && !parent_columns.empty()) {
      std::string restored;
      for (std::size_t i = 0; i < child_columns.size(); ++i) {
        restored += fmt::format(" and q.t{} {} {}", parent_columns[i], key.equals[i],
                                value_after(child, shape, child_columns[i]));
      }
      coming = fmt::format(
          " and not exists (select from pg_temp._bemi_state o join {} q using (n) where o.tab = {} "
          "and {} and "
          "o.kind in ('I', 'U', 'R') and o.columns @> '{}'{})",
          parent->rows(), parent->tab, active(policy_, "o"), array_of(parent_columns), restored);
    }
    return note(
        "orphan", key.name,
        fmt::format("select s.n, 'the row of ' || {} || ' that it refers to is not there' as "
                    "detail from pg_temp._bemi_state s join {} r using (n){} where s.shape = {} "
                    "and {}{} and not exists (select from {}{} p where {} and not {}){}",
                    pg::quote_literal(key.parent_name), child.rows(), live_row(child, shape),
                    shape.id, active(policy_, "s"), present, key.parent_only, key.parent_name,
                    match, moves_away(parent, parent_columns, "p", policy_), coming));
  }

  base::Result<std::int64_t> check_taken(const StageTable& table, const UniqueKey& key) {
    std::vector<int> columns;
    for (const KeyColumn& column : key.columns) columns.push_back(column.column);
    std::int64_t found = 0;
    for (const StageShape& shape : stage_.shapes()) {
      if (shape.tab != table.tab || !writes(shape) || !touches(shape, columns)) continue;
      std::string match;
      for (const KeyColumn& column : key.columns) {
        match += fmt::format("{}t.{} {} {}", match.empty() ? "" : " and ",
                             table.live->quoted_column(column.column), column.equals,
                             value_after(table, shape, column.column));
      }
      TRY_ASSIGN(
          std::int64_t taken,
          note("taken", key.name,
               fmt::format(
                   "select distinct s.n, 'another row has its value of ' || {} as detail from "
                   "pg_temp._bemi_state s join {} r using (n){} join {} t on {} where s.shape = {} "
                   "and {} "
                   "and (s.at is null or (t.ctid, t.tableoid) <> (s.at, s.rel)) and not {}",
                   pg::quote_literal(key.name), table.rows(), live_row(table, shape),
                   table.live->only(), match, shape.id, active(policy_, "s"),
                   moves_away(&table, columns, "t", policy_))));
      found += taken;
    }
    return found;
  }

  pg::Connection& source_;
  const Stage& stage_;
  const LiveSchema& schema_;
  OnConflict policy_;
};

}  // namespace

base::Status check_references(pg::Connection& source, const Stage& stage, const LiveSchema& schema,
                              OnConflict policy) {
  Checks checks(source, stage, schema, policy);
  while (true) {
    TRY_ASSIGN(std::int64_t found, checks.run());
    // Left out, a row may leave others without what they need.
    if (policy != OnConflict::skip || found == 0) return {};
  }
}

base::Result<std::vector<Dependent>> dependents(pg::Connection& source, const Stage& stage,
                                                const LiveSchema& schema) {
  Checks checks(source, stage, schema, OnConflict::fail);
  std::vector<Dependent> found;
  for (const ForeignKey& key : schema.foreign_keys) {
    auto rows = checks.referring(key);
    if (!rows) continue;
    // The child's primary key as the history writes it.
    TRY_ASSIGN(
        pg::Rows children,
        source.run(fmt::format(
            "select distinct (select n.nspname from pg_class k join pg_namespace n on n.oid = "
            "k.relnamespace where k.oid = {0}), (select relname from pg_class where oid = {0}), "
            "(select case when count(*) = 1 then min(to_jsonb(c) ->> a.attname) else "
            "'[' || string_agg(to_json(to_jsonb(c) ->> a.attname)::text, ', ' order by k.place) || "
            "']' end "
            "from pg_index i cross join lateral unnest(i.indkey) with ordinality as k (attnum, "
            "place) "
            "join pg_attribute a on a.attrelid = i.indrelid and a.attnum = k.attnum "
            "where i.indrelid = {0} and i.indisprimary and k.place <= i.indnkeyatts){1}",
            key.child, *rows)));
    for (int row = 0; row < children.count(); ++row) {
      if (!children.get(row, 2)) continue;
      found.push_back({.schema = children.text(row, 0),
                       .table = children.text(row, 1),
                       .key = children.text(row, 2)});
    }
  }
  return found;
}

base::Result<std::vector<const UniqueKey*>> exchanged_keys(pg::Connection& source,
                                                           const Stage& stage,
                                                           const StageTable& table) {
  std::vector<const UniqueKey*> exchanged;
  for (const UniqueKey& key : table.live->unique) {
    std::vector<int> columns;
    for (const KeyColumn& column : key.columns) columns.push_back(column.column);
    if (!key.immediate) continue;
    for (const StageShape& shape : stage.shapes()) {
      if (shape.tab != table.tab || shape.kind != RowKind::update || !touches(shape, columns))
        continue;
      std::string match;
      for (const KeyColumn& column : key.columns) {
        match += fmt::format("{}t.{} {} {}", match.empty() ? "" : " and ",
                             table.live->quoted_column(column.column), column.equals,
                             value_after(table, shape, column.column));
      }
      TRY_ASSIGN(pg::Rows any,
                 source.run(fmt::format("select exists (select from pg_temp._bemi_state s join {} "
                                        "r using (n){} join {} t on {} "
                                        "join pg_temp._bemi_state o on o.at = t.ctid and o.rel = "
                                        "t.tableoid and o.state = 'go' and "
                                        "o.kind in ('U', 'R') and o.tab = s.tab and o.n <> s.n "
                                        "where s.shape = {} and s.state = 'go')",
                                        table.rows(), live_row(table, shape), table.live->only(),
                                        match, shape.id)));
      if (!any.truth(0, 0)) continue;
      exchanged.push_back(&key);
      break;
    }
  }
  return exchanged;
}

}  // namespace bemi::revert
