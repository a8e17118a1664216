// SPDX-License-Identifier: LGPL-3.0-or-later
#include "query/checkout.hpp"

#include <algorithm>
#include <map>
#include <set>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "query/sql.hpp"

namespace bemi::query {
namespace {

using nlohmann::json;
using Columns = std::vector<CheckoutTable::Column>;

constexpr std::int64_t told_every_rows = 10'000;

constexpr const char* select_tables = R"(
select schema, "table", relation, to_jsonb(primary_key)::text, columns::text, query
from bemi.tables_at(bemi.moment($1, $2, $4), $2, $3, $4))";

// Shortens a name as _bemi.fitting_name does, which the target need not have, and says whether the
// name is taken.
constexpr const char* fitting_name = R"(
select n.name, exists (select from pg_namespace s where s.nspname = n.name)
from (select case when octet_length($1::text) <= 63 then $1::text
        else substr((repeat('x', 9) || $1::text)::name::text, 10) || '_' || left(md5($1::text), 8) end) n (name))";

constexpr const char* select_foreign_keys = R"(
select k.conrelid::oid::bigint, k.conname, to_jsonb(k.conkey)::text, k.confrelid::oid::bigint, to_jsonb(k.confkey)::text,
       coalesce(substring(pg_get_constraintdef(k.oid) from '(?: MATCH FULL)?(?: ON (?:UPDATE|DELETE) .*| DEFERRABLE.*| MATCH FULL.*| NOT ENFORCED.*| NOT VALID.*)$'), '')
from pg_constraint k where k.contype = 'f' and k.conparentid = 0 order by 1, 2)";

constexpr const char* select_enums = R"(
select n.nspname, t.typname, (select jsonb_agg(e.enumlabel order by e.enumsortorder) from pg_enum e where e.enumtypid = t.oid)::text
from pg_type t join pg_namespace n on n.oid = t.typnamespace
where t.typtype = 'e' and exists (select from pg_enum e where e.enumtypid = t.oid))";

// Believes nothing in a schema of another role than the event triggers' owner.
constexpr const char* select_may_leave_untracked = R"(
select has_schema_privilege(place.oid, 'usage') and has_table_privilege(copies.oid, 'insert')
from pg_event_trigger trigger join pg_proc function on function.oid = trigger.evtfoid
join pg_namespace place on place.oid = function.pronamespace
join pg_class copies on copies.relnamespace = place.oid and copies.relname = 'copy_schema'
where trigger.evtname = 'bemi_track_ddl' and place.nspname = '_bemi_source'
  and trigger.evtowner = function.proowner and trigger.evtowner = place.nspowner and trigger.evtowner = copies.relowner)";

template <typename T>
std::vector<T> list(const std::string& text) {
  return json::parse(text).get<std::vector<T>>();
}

std::string joined(const std::vector<std::string>& names) {
  std::string text;
  for (const std::string& name : names) {
    text += (text.empty() ? "" : ", ") + pg::quote_identifier(name);
  }
  return text;
}

// The names that columns had then, by their numbers; empty when one was not there.
std::vector<std::string> names_of(const Columns& columns, const std::vector<int>& numbers) {
  std::vector<std::string> names;
  for (int number : numbers) {
    auto found = std::ranges::find(columns, number, &CheckoutTable::Column::number);
    if (found == columns.end()) return {};
    names.push_back(found->name);
  }
  return names;
}

class Copier {
 public:
  Copier(pg::Connection& history, pg::Connection& target, const std::vector<CheckoutTable>& tables,
         const CheckoutExtras& extras, const CheckoutSettings& settings)
      : history_(history), target_(target), tables_(tables), extras_(extras), settings_(settings) {}

  base::Result<std::vector<std::string>> run(const CheckoutTold& told) {
    TRY(target_.run("begin"));
    TRY(name_schemas());
    TRY(make_schemas());
    for (std::size_t number = 0; number < tables_.size(); ++number) {
      TRY(make_table(tables_[number]));
      TRY(copy_rows(number, told));
    }
    for (const CheckoutTable& table : tables_) TRY(make_key(table));
    for (const auto& index : extras_.indexes) TRY(make_index(index));
    for (const auto& key : extras_.foreign_keys) TRY(make_foreign_key(key));
    for (const CheckoutTable& table : tables_) TRY(target_.run("analyze " + name_of(table)));
    TRY(target_.run("commit"));
    return std::move(remarks_);
  }

 private:
  [[nodiscard]] const std::string& schema_of(const std::string& schema) const {
    return schemas_.at(schema);
  }

  [[nodiscard]] bool names_meet() const {
    std::set<std::string> names;
    return !std::ranges::all_of(
        tables_, [&](const CheckoutTable& table) { return names.insert(table.table).second; });
  }

  // All tables go into one schema, unless names would collide there. Then it gets the tables of
  // public, and the tables of each other schema get a schema of their own beside it.
  base::Status name_schemas() {
    for (const CheckoutTable& table : tables_) schemas_.try_emplace(table.schema, table.schema);
    if (!settings_.schema) return {};
    bool apart = names_meet();
    for (auto& [schema, into] : schemas_) {
      into = *settings_.schema;
      if (!apart || schema == "public") continue;
      TRY_ASSIGN(pg::Rows named, target_.query(fitting_name, {into + "_" + schema}));
      if (named.truth(0, 1)) {
        return base::fail(base::ErrorKind::usage,
                          "the schema " + named.text(0, 0) + " is there already",
                          "choose another name, or drop it: nothing is ever written over");
      }
      into = named.text(0, 0);
    }
    return {};
  }

  [[nodiscard]] std::string name_of(const CheckoutTable& table) const {
    return pg::quote_name(schema_of(table.schema), table.table);
  }

  [[nodiscard]] const CheckoutTable* find(std::int64_t relation) const {
    auto found = std::ranges::find(tables_, relation, &CheckoutTable::relation);
    return found == tables_.end() ? nullptr : &*found;
  }

  base::Status make_schemas() {
    std::set<std::string> schemas;
    for (const auto& [schema, into] : schemas_) schemas.insert(into);
    for (const std::string& into : schemas) {
      TRY(target_.run("create schema if not exists " + pg::quote_identifier(into)));
      if (!settings_.schema) continue;
      TRY(target_.run("comment on schema " + pg::quote_identifier(into) +
                      " is 'A copy of the past, made by Bemi'"));
      TRY(leave_untracked(into));
    }
    return {};
  }

  // If the target is itself a source, only its administrator may exclude tables from tracking.
  base::Status leave_untracked(const std::string& schema) {
    TRY_ASSIGN(pg::Rows may, target_.run(select_may_leave_untracked));
    if (may.empty()) return {};
    if (may.truth(0, 0)) {
      TRY(target_.query("insert into _bemi_source.copy_schema values ($1) on conflict do nothing",
                        {schema}));
    } else {
      remarks_.push_back(
          "Bemi tracks this database, and so the copy in it: an administrator can exclude the "
          "copy, or: bemi run --exclude '" +
          schema + ".*'");
    }
    return {};
  }

  // A statement that may fail: then what it would have made is missing, and that is remarked.
  base::Result<bool> attempt(const std::string& sql, const std::string& what) {
    TRY(target_.run("savepoint extra"));
    auto done = target_.run(sql);
    if (!done && done.error().kind == base::ErrorKind::connection)
      return std::unexpected(done.error());
    TRY(target_.run(done ? "release extra" : "rollback to extra; release extra"));
    if (!done) remarks_.push_back(what + " is not made: " + done.error().message);
    return done.has_value();
  }

  base::Result<std::string> type_of(const CheckoutTable& table,
                                    const CheckoutTable::Column& column) {
    constexpr const char* known = "select to_regtype($1) is not null";
    TRY_ASSIGN(pg::Rows there, target_.query(known, {column.type}));
    if (there.truth(0, 0)) return column.type;
    for (const auto& type : extras_.enums) {
      std::string name = pg::quote_name(type.schema, type.name);
      std::string plain = type.schema + "." + type.name;
      if (column.type != name && column.type != plain && column.type != type.name) continue;
      std::string labels;
      for (const std::string& label : type.labels) {
        labels += (labels.empty() ? "" : ", ") + pg::quote_literal(label);
      }
      TRY_ASSIGN(bool made,
                 attempt("create schema if not exists " + pg::quote_identifier(type.schema) +
                             "; create type " + name + " as enum (" + labels + ")",
                         "the type " + plain));
      if (made) return name;
    }
    remarks_.push_back(fmt::format("{}.{} is text: its type {} is not known there", table.table,
                                   column.name, column.type));
    return std::string("text");
  }

  base::Status make_table(const CheckoutTable& table) {
    std::string columns;
    for (const auto& column : table.columns) {
      TRY_ASSIGN(std::string type, type_of(table, column));
      columns += (columns.empty() ? "" : ", ") + pg::quote_identifier(column.name) + " " + type;
    }
    TRY(target_.run("create table " + name_of(table) + " (" + columns + ")"));
    return {};
  }

  base::Status copy_rows(std::size_t number, const CheckoutTold& told) {
    const CheckoutTable& table = tables_[number];
    told(number, 0);
    TRY_ASSIGN(pg::CopyOut from, history_.copy_out("copy (" + table.query + ") to stdout"));
    TRY_ASSIGN(pg::CopyIn into, target_.copy_in("copy " + name_of(table) + " from stdin"));
    std::string line;
    for (std::int64_t rows = 0;; ++rows) {
      TRY_ASSIGN(std::optional<std::string_view> row, from.next());
      if (!row) {
        told(number, rows);
        break;
      }
      line.assign(*row).push_back('\n');
      TRY(into.send(line));
      if ((rows + 1) % told_every_rows == 0) told(number, rows + 1);
    }
    TRY(into.finish());
    return {};
  }

  base::Status make_key(const CheckoutTable& table) {
    if (table.primary_key.empty()) return {};
    TRY(target_.run("alter table " + name_of(table) + " add primary key (" +
                    joined(table.primary_key) + ")"));
    return {};
  }

  base::Status make_index(const CheckoutExtras::Index& index) {
    const CheckoutTable* table = find(index.relation);
    if (table == nullptr) return {};
    std::vector<std::string> names = names_of(table->columns, index.columns);
    std::string what = "the index " + index.name;
    if (names.empty() && !index.columns.empty()) {
      remarks_.push_back(what + " is not made: its columns were not there");
      return {};
    }
    std::string body = names.empty() ? index.definition : " (" + joined(names) + ")";
    TRY(attempt(fmt::format("create {}index {} on {}{}", index.unique ? "unique " : "",
                            pg::quote_identifier(index.name), name_of(*table), body),
                what));
    return {};
  }

  base::Status make_foreign_key(const CheckoutExtras::ForeignKey& key) {
    const CheckoutTable* table = find(key.relation);
    if (table == nullptr) return {};
    const CheckoutTable* target = find(key.target);
    std::string what = "the foreign key " + key.name;
    if (target == nullptr) {
      remarks_.push_back(what + " is not made: the table that it refers to is not tracked");
      return {};
    }
    std::vector<std::string> names = names_of(table->columns, key.columns);
    std::vector<std::string> target_names = names_of(target->columns, key.target_columns);
    if (names.empty() || target_names.empty()) {
      remarks_.push_back(what + " is not made: its columns were not there");
      return {};
    }
    TRY(attempt(
        fmt::format("alter table {} add constraint {} foreign key ({}) references {} ({}){}",
                    name_of(*table), pg::quote_identifier(key.name), joined(names),
                    name_of(*target), joined(target_names), key.actions),
        what));
    return {};
  }

  pg::Connection& history_;
  pg::Connection& target_;
  const std::vector<CheckoutTable>& tables_;
  const CheckoutExtras& extras_;
  const CheckoutSettings& settings_;
  std::map<std::string, std::string> schemas_;  // where the tables of each go
  std::vector<std::string> remarks_;
};

}  // namespace

base::Result<std::vector<CheckoutTable>> tables_at(pg::Connection& history,
                                                   const CheckoutSettings& settings) {
  TRY(history.run("begin isolation level repeatable read read only"));
  TRY(history.query("select set_config('bemi.partial', $1, true)",
                    {pg::boolean(settings.past.partial)}));
  TRY_ASSIGN(pg::Rows rows, history.query(select_tables, {settings.moment, settings.past.source,
                                                          pg::boolean(settings.past.partial),
                                                          pg::boolean(settings.past.allow_stale)}));
  std::vector<CheckoutTable> tables;
  for (int row = 0; row < rows.count(); ++row) {
    CheckoutTable table{.schema = rows.text(row, 0),
                        .table = rows.text(row, 1),
                        .relation = rows.integer(row, 2),
                        .primary_key = list<std::string>(rows.text(row, 3)),
                        .columns = {},
                        .query = rows.text(row, 5)};
    for (const json& column : json::parse(rows.text(row, 4))) {
      table.columns.push_back({column.at("name").get<std::string>(), column.at("number").get<int>(),
                               column.value("type", "text")});
    }
    tables.push_back(std::move(table));
  }
  return tables;
}

base::Result<CheckoutExtras> read_extras(pg::Connection& source) {
  CheckoutExtras extras;
  TRY_ASSIGN(pg::Rows indexes, source.run(sql::checkout_indexes));
  for (int row = 0; row < indexes.count(); ++row) {
    extras.indexes.push_back({.relation = indexes.integer(row, 0),
                              .name = indexes.text(row, 1),
                              .unique = indexes.truth(row, 2),
                              .columns = list<int>(indexes.text(row, 3)),
                              .definition = indexes.text(row, 4)});
  }
  TRY_ASSIGN(pg::Rows keys, source.run(select_foreign_keys));
  for (int row = 0; row < keys.count(); ++row) {
    extras.foreign_keys.push_back({.relation = keys.integer(row, 0),
                                   .name = keys.text(row, 1),
                                   .columns = list<int>(keys.text(row, 2)),
                                   .target = keys.integer(row, 3),
                                   .target_columns = list<int>(keys.text(row, 4)),
                                   .actions = keys.text(row, 5)});
  }
  TRY_ASSIGN(pg::Rows enums, source.run(select_enums));
  for (int row = 0; row < enums.count(); ++row) {
    extras.enums.push_back(
        {enums.text(row, 0), enums.text(row, 1), list<std::string>(enums.text(row, 2))});
  }
  return extras;
}

base::Result<std::vector<std::string>> checkout(pg::Connection& history, pg::Connection& target,
                                                const std::vector<CheckoutTable>& tables,
                                                const CheckoutExtras& extras,
                                                const CheckoutSettings& settings,
                                                const CheckoutTold& told) {
  return Copier(history, target, tables, extras, settings).run(told);
}

}  // namespace bemi::query
