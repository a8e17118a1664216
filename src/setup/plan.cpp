// SPDX-License-Identifier: LGPL-3.0-or-later
//
// What is missing on the source, as steps.
#include <algorithm>
#include <cctype>

#include <fmt/format.h>

#include "setup/event_trigger.hpp"
#include "setup/setup.hpp"

namespace setup {
namespace {

using wal::Table;

bool is_full(const Table& table) { return table.identity == change::ReplicaIdentity::full; }

// An identity that is not the whole row.
bool has_identity(const Table& table) {
  return table.identity == change::ReplicaIdentity::index ||
         (table.identity == change::ReplicaIdentity::default_ && table.has_primary_key);
}

bool may_be_full(const Table& table) {
  return !table.virtual_columns && table.narrow_publication.empty();
}

// Never what would make the application's own updates fail.
bool publishable(const Table& table) {
  return !table.unlogged && (may_be_full(table) || has_identity(table));
}

// FULL is what gives every change its whole row before. A wide TOAST table keeps what it has, since
// FULL would write its large values into WAL at every update; one without any identity gets FULL
// all the same, or its own UPDATEs would fail once it is published.
bool wants_full(const Table& table, const Settings& settings) {
  if (is_full(table) || !publishable(table) || !may_be_full(table)) return false;
  if (!has_identity(table)) return true;
  return settings.identity == IdentityPolicy::full && !table.wide_toast;
}

// A column became virtual, or another publication narrower, since the table has FULL.
bool suffers(const Table& table) {
  return table.published && is_full(table) && !may_be_full(table);
}

std::string name_of(const Table& table) { return table.schema + "." + table.name; }

Step identity_step(const Table& table) {
  return {.what = "keep whole rows of " + name_of(table) + " in WAL (replica identity full)",
          .sql = fmt::format("alter table only {} replica identity full",
                             pg::quote_name(table.schema, table.name))};
}

std::string leave_sql(const Table& table, const std::string& publication) {
  return fmt::format("alter publication {} drop table only {}", pg::quote_identifier(publication),
                     pg::quote_name(table.schema, table.name));
}

// Without a key the table can only leave the publication.
Step relief_step(const Table& table, const std::string& publication) {
  std::string name = pg::quote_name(table.schema, table.name);
  if (table.has_primary_key) {
    return {.what = "let " + name_of(table) + " be updated again (replica identity default)",
            .sql = fmt::format("alter table only {} replica identity default", name)};
  }
  return {.what = "let " + name_of(table) + " be updated again: it is no longer published",
          .sql = leave_sql(table, publication)};
}

Step publish_step(const Table& table, const std::string& publication) {
  return {.what = "publish " + name_of(table),
          .sql = fmt::format("alter publication {} add table only {}",
                             pg::quote_identifier(publication),
                             pg::quote_name(table.schema, table.name))};
}

// Partitions are sent as themselves: by their root, what empties one of them would go unseen.
std::string publication_options(int server_version) {
  return std::string(
             "publish = 'insert, update, delete, truncate', "
             "publish_via_partition_root = false") +
         (server_version < 180000 ? "" : ", publish_generated_columns = stored");
}

bool is_as_wanted(const wal::Publication& publication) {
  return publication.sends_all_changes() && publication.publishes_generated_columns;
}

Step mend_step(const wal::Publication& publication, int server_version) {
  return {
      .what = "let the publication " + publication.name + " leave nothing out",
      .sql = fmt::format("alter publication {} set ({})", pg::quote_identifier(publication.name),
                         publication_options(server_version))};
}

// A row filter or a list of columns would hide changes.
Step widen_step(const Table& table, const std::string& publication) {
  return {.what = "publish all of " + name_of(table),
          .sql = leave_sql(table, publication) + "; " + publish_step(table, publication).sql};
}

// A partitioned table is published by its root, and its partitions with it.
bool to_be_listed(const Table& table) {
  return !table.is_partition && !table.published && publishable(table);
}

base::Result<std::vector<Table>> tracked_tables(pg::Connection& source, const Settings& settings) {
  std::string own = settings.one_database ? settings.destination.schema : "";
  return wal::list_tables(source, settings.selection, settings.publication, own);
}

void add_grants(std::vector<Step>& steps, const std::vector<Table>& tables,
                const std::string& role) {
  std::vector<std::string> schemas;
  for (const Table& table : tables) {
    if (std::ranges::find(schemas, table.schema) == schemas.end()) schemas.push_back(table.schema);
  }
  std::string grantee = pg::quote_identifier(role);
  for (const std::string& schema : schemas) {
    std::string quoted = pg::quote_identifier(schema);
    steps.push_back({.what = "let " + role + " read the schema " + schema,
                     .sql = fmt::format("grant usage on schema {0} to {1}; "
                                        "grant select on all tables in schema {0} to {1}",
                                        quoted, grantee)});
  }
}

}  // namespace

std::string default_slot_name(const std::string& source_name) {
  std::string slot = "bemi_";
  for (char c : source_name) {
    bool allowed = (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '_';
    bool upper = c >= 'A' && c <= 'Z';
    slot.push_back(allowed ? c : upper ? static_cast<char>(std::tolower(c)) : '_');
  }
  return slot.substr(0, 63);
}

std::vector<Step> steps_to_publish(const std::vector<Table>& tables, const Settings& settings) {
  std::vector<Step> steps;
  for (const Table& table : tables) {
    if (suffers(table)) steps.push_back(relief_step(table, settings.publication));
  }
  // Identity first: a published table without one refuses its own UPDATEs.
  for (const Table& table : tables) {
    if (wants_full(table, settings)) steps.push_back(identity_step(table));
  }
  for (const Table& table : tables) {
    if (to_be_listed(table)) steps.push_back(publish_step(table, settings.publication));
    if (table.narrowed) steps.push_back(widen_step(table, settings.publication));
  }
  return steps;
}

base::Result<std::vector<Table>> missing_tables(pg::Connection& source, const Settings& settings) {
  TRY_ASSIGN(std::vector<Table> tables, tracked_tables(source, settings));
  std::erase_if(tables, [&](const Table& table) {
    return !to_be_listed(table) && !(table.published && wants_full(table, settings)) &&
           !suffers(table) && !table.narrowed;
  });
  return tables;
}

base::Result<std::vector<Step>> mend_publication(pg::Connection& source, const Settings& settings) {
  TRY_ASSIGN(auto publication, wal::find_publication(source, settings.publication));
  if (!publication || is_as_wanted(*publication)) return std::vector<Step>{};
  return std::vector<Step>{mend_step(*publication, source.server_version())};
}

base::Result<std::vector<Step>> plan_source(pg::Connection& admin, const Settings& settings) {
  std::vector<Step> steps;
  TRY_ASSIGN(auto publication, wal::find_publication(admin, settings.publication));
  if (!publication) {
    // Before the slot: PostgreSQL does not see a publication at positions before it was made.
    steps.push_back({.what = "make the publication " + settings.publication,
                     .sql = fmt::format("create publication {} with ({})",
                                        pg::quote_identifier(settings.publication),
                                        publication_options(admin.server_version()))});
  } else if (!is_as_wanted(*publication)) {
    steps.push_back(mend_step(*publication, admin.server_version()));
  }
  TRY_ASSIGN(std::vector<Table> tables, tracked_tables(admin, settings));
  for (Step& step : steps_to_publish(tables, settings)) steps.push_back(std::move(step));
  if (settings.event_trigger) {
    TRY_ASSIGN(std::vector<Step> trigger, plan_event_trigger(admin, settings));
    for (Step& step : trigger) steps.push_back(std::move(step));
  }
  if (!settings.worker_role.empty() && settings.worker_role != admin.user()) {
    add_grants(steps, tables, settings.worker_role);
  }
  return steps;
}

}  // namespace setup
