// SPDX-License-Identifier: LGPL-3.0-or-later
//
// The missing steps on the source.
#include <algorithm>
#include <iterator>

#include <fmt/format.h>

#include "setup/event_trigger.hpp"
#include "setup/publication_steps.hpp"
#include "setup/record.hpp"
#include "setup/setup.hpp"
#include "setup/sql.hpp"
#include "setup/table_steps.hpp"

namespace bemi::setup {
namespace {

using wal::Table;

struct Grant {
  std::string what;
  std::string sql;  // what follows GRANT, up to the role
  Granted kind;
  std::string subjects;
};

constexpr const char* select_record_rights = R"(
select coalesce(bool_and(has_table_privilege($1, c.oid, 'insert')), false)
from pg_class c join pg_namespace n on n.oid = c.relnamespace
where n.nspname = '_bemi_setup' and c.relname = 'former_identity')";

base::Result<std::vector<Grant>> lacking_grants(pg::Connection& admin,
                                                const std::vector<Table>& tables,
                                                const std::string& role) {
  std::string oids;
  for (const Table& table : tables) {
    if (table.tracked) oids += (oids.empty() ? "" : ",") + std::to_string(table.oid);
  }
  TRY_ASSIGN(pg::Rows rows, admin.query(sql::lacking_rights, {role, "{" + oids + "}"}));
  std::vector<Grant> grants;
  for (int row = 0; row < rows.count(); ++row) {
    std::string schema = rows.text(row, 0);
    if (rows.truth(row, 1)) {
      grants.push_back({"let " + role + " use the schema " + schema,
                        "usage on schema " + pg::quote_identifier(schema), Granted::schema,
                        rows.text(row, 3)});
    }
    if (std::string names = rows.text(row, 2); !names.empty()) {
      grants.push_back({"let " + role + " read the tables of " + schema, "select on table " + names,
                        Granted::tables, rows.text(row, 4)});
    }
  }
  return grants;
}

// Grants for the worker's own role, when another role prepares the source.
base::Status add_grants(pg::Connection& admin, std::vector<Step>& steps,
                        const std::vector<Table>& tables, const Record& record,
                        const Settings& settings) {
  std::string grantee = pg::quote_identifier(settings.worker_role);
  TRY_ASSIGN(std::vector<Grant> grants, lacking_grants(admin, tables, settings.worker_role));
  for (const Grant& grant : grants) {
    steps.push_back(
        {.what = grant.what,
         .sql = (record.may_name() ? note_grant_sql(grant.kind, grant.subjects, settings) : "") +
                fmt::format("grant {} to {}", grant.sql, grantee)});
  }
  TRY_ASSIGN(pg::Rows has, admin.query(select_record_rights, {settings.worker_role}));
  if (!record.may_name() || has.truth(0, 0)) return {};
  steps.push_back(
      {.what = "let " + settings.worker_role + " note what tables had before",
       .sql = fmt::format("grant usage on schema _bemi_setup to {0}; "
                          "grant select on _bemi_setup.made to {0}; "
                          "grant select, insert, update on _bemi_setup.former_identity to {0}",
                          grantee)});
  return {};
}

// There is one set of event triggers in a database: another source that is tracked from it has
// them.
base::Result<bool> triggers_are_taken(pg::Connection& admin, const Settings& settings) {
  TRY_ASSIGN(std::string serves, publication_of_triggers(admin));
  if (serves.empty() || serves == settings.publication) return false;
  TRY_ASSIGN(auto publication, wal::find_publication(admin, serves));
  return publication.has_value();
}

}  // namespace

base::Result<std::vector<MissingTable>> plan_missing(pg::Connection& source,
                                                     const Settings& settings) {
  TRY_ASSIGN(std::vector<Table> tables,
             wal::list_published_too(source, settings.selection, settings.publication));
  std::vector<MissingTable> missing;
  std::optional<Record> record;
  for (const Table& table : tables) {
    if (!needs_anything(table, tables, settings)) continue;
    if (!record) {
      TRY_ASSIGN(record, load_record(source, settings));
    }
    // A new table's partitions are prepared before it is published, and they with it.
    std::vector<Table> together{table};
    if (!table.published && table.is_partitioned) {
      std::ranges::copy_if(tables, std::back_inserter(together), [&](const Table& part) {
        return part.root_schema == table.schema && part.root_name == table.name;
      });
    }
    missing.push_back({.name = name_of(table),
                       .harm = harm_of(table),
                       .loses_key = table.loses_key,
                       .steps = steps_to_publish(together, *record, settings)});
  }
  return missing;
}

base::Result<std::vector<Step>> mend_publication(pg::Connection& source, const Settings& settings) {
  TRY_ASSIGN(auto publication, wal::find_publication(source, settings.publication));
  if (!publication || is_as_wanted(*publication)) return std::vector<Step>{};
  return std::vector<Step>{mend_publication_step(*publication, source.server_version())};
}

base::Result<std::vector<Step>> plan_source(pg::Connection& admin, const Settings& settings) {
  std::vector<Step> steps;
  TRY_ASSIGN(auto publication, wal::find_publication(admin, settings.publication));
  TRY_ASSIGN(std::vector<Table> tables,
             wal::list_published_too(admin, settings.selection, settings.publication));
  TRY_ASSIGN(Record record, load_record(admin, settings));
  if (auto step = record_step(record, tables, settings)) steps.push_back(std::move(*step));
  if (!publication) {
    // Before the slot: PostgreSQL does not see a publication at positions before it was made.
    bool notes_it = record.may_name() && !record.has_publication;
    steps.push_back(create_publication_step(settings, admin.server_version(), notes_it));
  } else if (!is_as_wanted(*publication)) {
    steps.push_back(mend_publication_step(*publication, admin.server_version()));
  }
  for (Step& step : steps_to_publish(tables, record, settings)) steps.push_back(std::move(step));
  TRY_ASSIGN(bool taken, triggers_are_taken(admin, settings));
  if (settings.event_trigger && !taken) {
    TRY_ASSIGN(std::vector<Step> trigger, plan_event_trigger(admin, settings));
    for (Step& step : trigger) steps.push_back(std::move(step));
  }
  if (!settings.worker_role.empty() && settings.worker_role != admin.user()) {
    TRY(add_grants(admin, steps, tables, record, settings));
  }
  return steps;
}

}  // namespace bemi::setup
