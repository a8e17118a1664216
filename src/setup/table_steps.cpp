// SPDX-License-Identifier: LGPL-3.0-or-later
//
// Steps that prepare each table for tracking. Pure.
#include "setup/table_steps.hpp"

#include <algorithm>

#include <fmt/format.h>

namespace bemi::setup {
namespace {

using wal::Table;

using change::ReplicaIdentity;

bool is_full(const Table& table) { return table.identity == ReplicaIdentity::full; }

bool may_be_full(const Table& table) {
  return !table.virtual_columns && table.narrow_publication.empty();
}

// True if something smaller than the whole row identifies rows, or could.
bool may_be_identified(const Table& table) {
  return (table.identified && !is_full(table) && !table.loses_key) || !table.usable_index.empty();
}

// FULL is what gives every change its whole row before. A wide TOAST table keeps what it has, since
// FULL would write its large values into WAL at every update; one without any identity still gets
// FULL, or its own UPDATEs would fail once it is published.
bool wants_full(const Table& table, const Settings& settings) {
  if (is_full(table) || table.unlogged || !may_be_full(table)) return false;
  if (!table.identified || table.loses_key) return true;
  return table.tracked && settings.identity == IdentityPolicy::full && !table.wide_toast;
}

// FULL would not do, and what it has does not either: a column became virtual, another publication
// narrower, or its index went.
bool wants_index(const Table& table) {
  return !table.unlogged && !may_be_full(table) &&
         (is_full(table) || !table.identified || table.loses_key) && !table.usable_index.empty();
}

std::string quoted_name(const Table& table) { return pg::quote_name(table.schema, table.name); }

// Notes what the table had, where that can be noted.
std::string identity_sql(const Table& table, ReplicaIdentity identity, const std::string& wanted,
                         const Record& record, const Settings& settings) {
  std::string note =
      record.may_grow() ? note_identity_sql(table.oid, static_cast<char>(identity), settings) : "";
  return note + fmt::format("alter table only {} replica identity {}", quoted_name(table), wanted);
}

Step full_step(const Table& table, const Record& record, const Settings& settings) {
  return {.what = "keep whole rows of " + name_of(table) + " in WAL (replica identity full)",
          .sql = identity_sql(table, ReplicaIdentity::full, "full", record, settings)};
}

Step index_step(const Table& table, const Record& record, const Settings& settings) {
  bool by_key = table.key_identifies;
  std::string wanted =
      by_key ? "default" : "using index " + pg::quote_identifier(table.usable_index);
  return {.what = "let " + name_of(table) + " be updated (replica identity " + wanted + ")",
          .sql = identity_sql(table, by_key ? ReplicaIdentity::default_ : ReplicaIdentity::index,
                              wanted, record, settings)};
}

std::string leave_sql(const std::string& quoted, const std::string& publication) {
  return fmt::format("alter publication {} drop table only {}", pg::quote_identifier(publication),
                     quoted);
}

// A partition is published by its root.
Step leave_step(const Table& table, const std::string& publication) {
  std::string quoted =
      table.is_partition ? pg::quote_name(table.root_schema, table.root_name) : quoted_name(table);
  std::string what = table.is_partition ? fmt::format(": {}.{} is no longer published",
                                                      table.root_schema, table.root_name)
                                        : ": it is no longer published";
  return {.what = "let " + name_of(table) + " be updated again" + what,
          .sql = leave_sql(quoted, publication)};
}

Step publish_step(const Table& table, const std::string& publication) {
  return {.what = "publish " + name_of(table),
          .sql = fmt::format("alter publication {} add table only {}",
                             pg::quote_identifier(publication),
                             pg::quote_name(table.schema, table.name))};
}

// A row filter or a list of columns would hide changes.
Step widen_step(const Table& table, const std::string& publication) {
  return {.what = "publish all of " + name_of(table),
          .sql = leave_sql(quoted_name(table), publication) + "; " +
                 publish_step(table, publication).sql};
}

bool is_stuck(const Table& table) {
  return !harm_of(table).empty() && !may_be_full(table) && !wants_index(table);
}

// A partitioned table is published by its root, and its partitions with it: one of them that would
// suffer keeps them all out.
bool to_be_listed(const Table& table, const std::vector<Table>& tables) {
  if (!table.tracked || table.is_partition || table.published || !may_be_published(table))
    return false;
  return !table.is_partitioned || std::ranges::none_of(tables, [&](const Table& part) {
    return part.is_partition && part.root_schema == table.schema && part.root_name == table.name &&
           !part.unlogged && !may_be_published(part);
  });
}

}  // namespace

std::string name_of(const Table& table) { return table.schema + "." + table.name; }

bool needs_anything(const Table& table, const std::vector<Table>& tables,
                    const Settings& settings) {
  if (to_be_listed(table, tables)) return true;
  if (!table.published) return false;
  return wants_full(table, settings) || wants_index(table) || is_stuck(table) ||
         (table.narrowed && table.tracked);
}

bool may_be_published(const Table& table) {
  return !table.unlogged && (may_be_full(table) || may_be_identified(table));
}

std::string harm_of(const Table& table) {
  if (!table.published || table.unlogged) return "";
  if (!table.identified) {
    return table.has_primary_key && table.identity == ReplicaIdentity::default_
               ? "its primary key is deferrable, which identifies no row"
               : "it has no replica identity";
  }
  if (table.loses_key) return "its replica identity leaves its primary key out";
  if (!is_full(table) || may_be_full(table)) return "";
  return (table.virtual_columns
              ? "it has virtual generated columns"
              : "the publication " + table.narrow_publication + " leaves columns out") +
         ", which replica identity full does not allow";
}

std::vector<Step> steps_to_publish(const std::vector<Table>& tables, const Record& record,
                                   const Settings& settings) {
  std::vector<Step> steps;
  const std::string& publication = settings.publication;
  auto concerns = [&](const Table& table) { return table.published || table.tracked; };
  // Identity first: a published table without one refuses its own UPDATEs.
  for (const Table& table : tables) {
    if (!concerns(table)) continue;
    if (wants_full(table, settings)) steps.push_back(full_step(table, record, settings));
    if (wants_index(table)) steps.push_back(index_step(table, record, settings));
    if (!is_stuck(table)) continue;
    Step leave = leave_step(table, publication);
    auto same = [&](const Step& step) { return step.sql == leave.sql; };
    if (std::ranges::none_of(steps, same)) steps.push_back(std::move(leave));
  }
  for (const Table& table : tables) {
    if (to_be_listed(table, tables)) steps.push_back(publish_step(table, publication));
    if (table.narrowed && table.tracked && !is_stuck(table)) {
      steps.push_back(widen_step(table, publication));
    }
  }
  return steps;
}

}  // namespace bemi::setup
