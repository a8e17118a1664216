// SPDX-License-Identifier: LGPL-3.0-or-later
#include "revert/stage.hpp"

#include <algorithm>

#include <fmt/format.h>

#include "revert/limits.hpp"
#include "revert/sql.hpp"

namespace bemi::revert {
namespace {

void escape(std::string& out, std::string_view text) {
  for (char c : text) {
    switch (c) {
      case '\\': out += "\\\\"; break;
      case '\n': out += "\\n"; break;
      case '\r': out += "\\r"; break;
      case '\t': out += "\\t"; break;
      default: out.push_back(c);
    }
  }
}

// A column's name in what is staged: by its place, so that a COPY holds values alone. A name may
// hold a byte that is no character, and what stands for it there (pg/stored_text) is one in a
// value.
std::string staged(int column) { return fmt::format("c{}", column); }

// The columns of an image as JSON, and what JSON cannot hold of them.
std::pair<std::string, std::string> json_of(const Image& image, const std::vector<int>& columns) {
  std::string values = "{";
  std::string exact = "{";
  for (int column : columns) {
    const Field& field = image[static_cast<std::size_t>(column)];
    if (field.known != Known::known) continue;
    std::string name = "\"" + staged(column) + "\"";
    values += (values.size() > 1 ? "," : "") + name + ":" + field.json;
    if (!field.exact.empty()) exact += (exact.size() > 1 ? "," : "") + name + ":" + field.exact;
  }
  return {values + "}", exact + "}"};
}

// Columns that an image must have: those to write and those of the key.
std::vector<int> needed(const NetRow& row, const LiveTable& live) {
  std::vector<int> columns = row.columns;
  for (const KeyColumn& key : live.key) {
    if (std::ranges::find(columns, key.column) == columns.end()) columns.push_back(key.column);
  }
  return columns;
}

// Column `place` of the JSON image `side` ("expected" or "target"), as record `record` has it.
std::string value_of(const LiveColumn& column, int place, const std::string& side,
                     const std::string& record) {
  std::string name = pg::quote_literal(staged(place));
  switch (column.form) {
    case ValueForm::json:
      return fmt::format("coalesce(p.{0}_exact ->> {1}, nullif(p.{0} -> {1}, 'null')::text)::{2}",
                         side, name, column.type);
    case ValueForm::hstore:
      return fmt::format(
          "coalesce(p.{0}_exact ->> {1}, (select {2}.hstore(coalesce(array_agg(key), '{{}}'), "
          "coalesce(array_agg(value), '{{}}'))::text from jsonb_each_text(nullif(p.{0} -> {1}, "
          "'null')) having jsonb_typeof(p.{0} -> {1}) = 'object'))::{3}",
          side, name, column.type_schema, column.type);
    case ValueForm::plain: break;
  }
  return record + "." + staged(place);
}

std::string record_of(const LiveTable& live, const std::string& side, const std::string& record) {
  std::string definitions;
  for (std::size_t i = 0; i < live.columns.size(); ++i) {
    if (live.columns[i].form != ValueForm::plain) continue;
    definitions += fmt::format("{}{} {}", definitions.empty() ? "" : ", ",
                               staged(static_cast<int>(i)), live.columns[i].type);
  }
  if (definitions.empty()) return "";
  return fmt::format(" cross join lateral jsonb_to_record(p.{0} || p.{0}_exact) as {1} ({2})", side,
                     record, definitions);
}

std::string found_by_key(const LiveTable& live, char side) {
  std::string condition;
  for (const KeyColumn& key : live.key) {
    condition += fmt::format("{}t.{} {} r.{}{}", condition.empty() ? "" : " and ",
                             live.quoted_column(key.column), key.equals, side, key.column);
  }
  return condition;
}

bool comes_back(RowKind kind) { return kind == RowKind::insert || kind == RowKind::replace; }

// moved, same: numbers of columns by comparison of texts, which knows all that equality does not.
std::pair<std::string, std::string> comparison(const LiveTable& live, const StageShape& shape) {
  std::string moved;
  std::string same;
  for (int column : shape.columns) {
    std::string value = "t." + live.quoted_column(column) + "::text";
    std::string is_target = fmt::format("{} is not distinct from r.t{}::text", value, column);
    std::string is_expected = fmt::format("{} is not distinct from r.e{}::text", value, column);
    bool has_target = shape.kind != RowKind::remove;
    bool has_expected = !comes_back(shape.kind);
    if (has_expected) {
      moved += fmt::format("{}case when not ({}{}) then {} end", moved.empty() ? "" : ", ",
                           is_expected, has_target ? " or " + is_target : "", column);
    }
    if (has_target) {
      same +=
          fmt::format("{}case when {} then {} end", same.empty() ? "" : ", ", is_target, column);
    }
  }
  auto array = [](const std::string& items) {
    return items.empty() ? std::string("'{}'::int[]")
                         : "array_remove(array[" + items + "]::int[], null)";
  };
  return {array(moved), array(same)};
}

}  // namespace

bool StageShape::has(int column) const {
  return std::ranges::find(columns, column) != columns.end();
}

std::string array_of(const std::vector<int>& numbers) {
  std::string out = "{";
  for (int number : numbers) out += (out.size() > 1 ? "," : "") + std::to_string(number);
  return out + "}";
}

const StageTable* Stage::table_of(std::int64_t oid) const {
  auto found =
      std::ranges::find_if(tables_, [&](const StageTable& t) { return t.live->oid == oid; });
  return found == tables_.end() ? nullptr : &*found;
}

base::Status Stage::begin() {
  TRY_ASSIGN(pg::Rows path, source_->run("select current_setting('search_path')"));
  search_path_ = path.text(0, 0);
  TRY(source_->run(
      fmt::format("begin isolation level read committed; set local lock_timeout = '{}s'; "
                  "set local row_security = off; set local search_path = pg_catalog",
                  limits::lock_timeout_s)));
  TRY(source_->run(sql::create_staging_tables));
  return {};
}

base::Status Stage::use_own_search_path(bool own) {
  TRY(source_->query("select set_config('search_path', $1, true)",
                     {own ? search_path_ : std::string("pg_catalog")}));
  return {};
}

int Stage::add_table(const LiveTable& live) {
  int tab = static_cast<int>(tables_.size()) + 1;
  tables_.push_back({.tab = tab, .live = &live});
  return tab;
}

int Stage::shape_id(int tab, RowKind kind, const std::vector<int>& columns) {
  std::pair key{std::pair{tab, static_cast<char>(kind)}, columns};
  auto [found, fresh] = shape_ids_.try_emplace(key, static_cast<int>(shapes_.size()) + 1);
  if (fresh) {
    shapes_.push_back({.id = found->second, .tab = tab, .kind = kind, .columns = columns});
  }
  return found->second;
}

std::string Stage::copy_line(int tab, const NetRow& row) {
  const LiveTable& live = *table(tab).live;
  std::vector<int> columns = needed(row, live);
  auto [target, target_exact] = row.target.empty() ? std::pair<std::string, std::string>("{}", "{}")
                                                   : json_of(row.target, columns);
  auto [expected, expected_exact] = row.expected.empty()
                                        ? std::pair<std::string, std::string>("{}", "{}")
                                        : json_of(row.expected, columns);
  std::string line = fmt::format("{}\t{}\t{}\t{}\t", ++rows_, tab, static_cast<char>(row.kind),
                                 shape_id(tab, row.kind, row.columns));
  if (row.key.empty() && live.key.empty())
    line += "\\N";
  else
    escape(line, row.key);
  for (const std::string* text : {&target, &target_exact, &expected, &expected_exact}) {
    line.push_back('\t');
    escape(line, *text);
  }
  line += "\t" + (row.conflict ? name(*row.conflict) : "\\N") + "\t" +
          array_of(row.conflict_columns) + "\t{";
  for (std::size_t i = 0; i < row.later.size(); ++i) line += (i > 0 ? "," : "") + row.later[i];
  return line + "}\n";
}

base::Status Stage::load(const std::function<base::Status(const Put&)>& feed) {
  {
    TRY_ASSIGN(pg::CopyIn copy, source_->copy_in("copy pg_temp._bemi_net from stdin"));
    TRY(feed([&](int tab, const NetRow& row) { return copy.send(copy_line(tab, row)); }));
    TRY(copy.finish());
  }
  for (const StageShape& shape : shapes_) {
    TRY(source_->run(fmt::format("insert into pg_temp._bemi_shape values ({}, {}, '{}', '{}')",
                                 shape.id, shape.tab, static_cast<char>(shape.kind),
                                 array_of(shape.columns))));
  }
  TRY(source_->run("analyze pg_temp._bemi_net (n, tab, kind, shape)"));
  for (const StageTable& table : tables_) TRY(type_rows(table));
  return {};
}

base::Status Stage::type_rows(const StageTable& table) {
  std::string columns;
  for (int i = 0; i < static_cast<int>(table.live->columns.size()); ++i) {
    const LiveColumn& column = table.live->columns[static_cast<std::size_t>(i)];
    columns += fmt::format(", {} as e{}, {} as t{}", value_of(column, i, "expected", "e"), i,
                           value_of(column, i, "target", "t"), i);
  }
  auto typed = source_->run(
      fmt::format("create temp table _bemi_row_{} on commit drop as select p.n, p.shape, p.key{} "
                  "from pg_temp._bemi_net p{}{} where p.tab = {}; analyze pg_temp._bemi_row_{}",
                  table.tab, columns, record_of(*table.live, "expected", "e"),
                  record_of(*table.live, "target", "t"), table.tab, table.tab));
  if (typed) return {};
  return std::unexpected(typed.error().within("the old values of " + table.live->schema + "." +
                                              table.live->table +
                                              " do not fit its columns as they are now"));
}

std::string Stage::locking(const StageShape& shape) const {
  const StageTable& table = this->table(shape.tab);
  if (shape.kind == RowKind::none) return "";
  if (table.live->key.empty()) return locking_keyless(table, shape);
  auto [moved, same] = comparison(*table.live, shape);
  return fmt::format(
      "insert into pg_temp._bemi_live select r.n, t.ctid, t.tableoid, {}, {} from {} r join {} t "
      "on {} where r.shape = {} order by r.n for update of t",
      moved, same, table.rows(), table.live->only(),
      found_by_key(*table.live, comes_back(shape.kind) ? 't' : 'e'), shape.id);
}

base::Status Stage::lock_rows(const StageShape& shape) {
  std::string sql = locking(shape);
  if (!sql.empty()) TRY(source_->run(sql));
  return {};
}

// Locks as many live rows of one content as are to be deleted, and none twice. Which of several
// equal rows does not matter.
std::string Stage::locking_keyless(const StageTable& table, const StageShape& shape) {
  if (shape.kind != RowKind::remove) return "";
  std::string live_values;
  std::string staged_values;
  for (int column : shape.columns) {
    const std::string& name = table.live->columns[static_cast<std::size_t>(column)].name;
    live_values += (live_values.empty() ? "t." : ", t.") + pg::quote_identifier(name) + "::text";
    staged_values += fmt::format("{}r.e{}::text", staged_values.empty() ? "" : ", ", column);
  }
  if (live_values.empty()) return "";
  return fmt::format(
      "with wanted as (select r.n, array[{1}] as content, row_number() over (partition by {1} "
      "order "
      "by r.n) as nth from {2} r where r.shape = {3}), there as (select t.ctid as at, t.tableoid "
      "as rel, array[{0}] as content, row_number() over (partition by {0} order by t.ctid) as nth "
      "from {4} t where array[{0}] in (select content from wanted)) "
      "insert into pg_temp._bemi_live select w.n, t.ctid, t.tableoid, '{{}}'::int[], '{{}}'::int[] "
      "from wanted w join there h on h.content = w.content and h.nth = w.nth join {4} t on t.ctid "
      "= "
      "h.at and t.tableoid = h.rel and array[{0}] = h.content order by w.n for "
      "update of t",
      live_values, staged_values, table.rows(), shape.id, table.live->only());
}

base::Status Stage::compare(OnConflict policy) {
  for (const StageShape& shape : shapes_) TRY(lock_rows(shape));
  TRY(source_->run("analyze pg_temp._bemi_live"));
  // Under force: what can be written is; what cannot, since there is no row, stays.
  std::string overridden = policy == OnConflict::force  ? "'go'"
                           : policy == OnConflict::skip ? "'skipped'"
                                                        : "'conflict'";
  std::string left = policy == OnConflict::fail ? "'conflict'" : "'skipped'";
  std::string sql = fmt::format(R"(
create temp table _bemi_state on commit drop as
select p.n, p.tab, v.kind, p.shape, p.key, case when v.kind <> 'I' then l.at end as at,
       case when v.kind <> 'I' then l.rel end as rel, s.columns, p.later, v.conflict, v.state,
       case when v.conflict is null then null
            when v.conflict = 'changed' then l.moved
            when cardinality(l.moved) > 0 and v.conflict = 'overwritten' then l.moved
            else p.conflict_columns end as conflict_columns,
       null::text as constraint_name, null::text as detail
from pg_temp._bemi_net p join pg_temp._bemi_shape s using (shape) left join pg_temp._bemi_live l using (n)
cross join lateral (
  select case when p.kind = 'R' and l.n is null then 'I'::"char" else p.kind end as kind
) k
cross join lateral (
  select k.kind, w.conflict, case
    when w.conflict is null and w.undone then 'undone'
    when w.conflict is null then 'go'
    when w.conflict in ('missing', 'deleted') then {1}
    when cardinality(s.columns) = 0 then {1}
    else {0} end as state
  from (
    select case
      when k.kind = 'N' then p.conflict
      when k.kind = 'U' and l.n is null then coalesce(p.conflict, 'missing')
      when k.kind = 'U' and s.columns <@ l.same and p.conflict is distinct from 'unknown' then null
      when k.kind = 'U' and p.conflict in ('unknown', 'built_on') then p.conflict
      when k.kind = 'U' and cardinality(l.moved) > 0 then coalesce(p.conflict, 'changed')
      when k.kind = 'U' and p.conflict_columns <@ l.same then null
      when k.kind = 'D' and l.n is null then case when p.key is null then 'missing' end
      when k.kind = 'D' and cardinality(l.moved) > 0 then coalesce(p.conflict, 'changed')
      when k.kind in ('I', 'R') and l.n is not null and s.columns <@ l.same then null
      when k.kind = 'R' then 'taken'
      when k.kind = 'I' and p.conflict = 'taken' then null
      else p.conflict end as conflict,
      k.kind = 'U' and s.columns <@ l.same or k.kind = 'D' and l.n is null
        or k.kind in ('I', 'R') and l.n is not null and s.columns <@ l.same as undone
  ) w
) v;
alter table pg_temp._bemi_state add primary key (n);
create index on pg_temp._bemi_state (at, rel);
analyze pg_temp._bemi_state)",
                                overridden, left);
  TRY(source_->run(sql));
  return settle_keys();
}

// A row that would come back and is there already may be there as one that the plan takes away.
base::Status Stage::settle_keys() {
  constexpr const char* pair =
      "from pg_temp._bemi_live l, pg_temp._bemi_state {} where x.n = l.n and l.at = y.at and l.rel "
      "= y.rel "
      "and y.n <> x.n and x.kind = 'I' and x.state = 'undone' and y.state = 'go'";
  TRY(source_->run("update pg_temp._bemi_state y set state = 'undone' " +
                   fmt::format(fmt::runtime(pair), "x") + " and y.kind = 'D'"));
  for (const StageTable& table : tables_) {
    std::vector<int> key;
    for (const KeyColumn& column : table.live->key) key.push_back(column.column);
    TRY(source_->run("update pg_temp._bemi_state x set state = 'go' " +
                     fmt::format(fmt::runtime(pair), "y") +
                     fmt::format(" and y.kind = 'U' and y.tab = {} and y.columns && '{}'",
                                 table.tab, array_of(key))));
  }
  return {};
}

base::Status Stage::find_again(int but_tab) {
  TRY(source_->run("truncate pg_temp._bemi_live"));
  for (const StageShape& shape : shapes_) {
    if (shape.tab != but_tab) TRY(lock_rows(shape));
  }
  TRY(source_->run(
      "update pg_temp._bemi_state s set at = l.at, rel = l.rel from pg_temp._bemi_live l "
      "where l.n = s.n and s.kind <> 'I' and (l.at, l.rel) <> (s.at, s.rel) and exists (select "
      "from "
      "pg_temp._bemi_net p where p.n = s.n and p.kind = s.kind and p.shape = s.shape)"));
  return {};
}

}  // namespace bemi::revert
