// SPDX-License-Identifier: LGPL-3.0-or-later
//
// Looks whether the source is ready. Every finding that is not ok says what to run.
#include <algorithm>
#include <iterator>

#include <fmt/format.h>

#include "setup/check_event_triggers.hpp"
#include "setup/setup.hpp"
#include "wal/slot.hpp"

namespace setup {
namespace {

using Findings = std::vector<Finding>;

constexpr int version_min = 140000;

constexpr const char* select_role = R"(
select rolsuper or rolreplication
       or exists (select 1 from pg_roles r where r.rolname in ('rds_replication', 'cloudsqlsuperuser',
                    'azure_pg_admin', 'neon_superuser') and pg_has_role(current_user, r.oid, 'member')),
       rolname
from pg_roles where rolname = current_user)";

constexpr const char* select_rights = R"(
select has_schema_privilege(n.oid, 'usage'), has_table_privilege(c.oid, 'select'), c.relrowsecurity
from pg_class c join pg_namespace n on n.oid = c.relnamespace where c.oid = $1)";

constexpr const char* select_managed = R"(
select case
  when exists (select 1 from pg_roles where rolname = 'rds_superuser') then 'Amazon RDS or Aurora'
  when exists (select 1 from pg_roles where rolname = 'supabase_admin') then 'Supabase'
  when exists (select 1 from pg_roles where rolname = 'cloudsqlsuperuser') then 'Google Cloud SQL'
  when exists (select 1 from pg_roles where rolname = 'azure_pg_admin') then 'Azure'
  when exists (select 1 from pg_roles where rolname = 'neon_superuser') then 'Neon'
  else '' end)";

std::string wal_level_fix(const std::string& service) {
  if (service == "Amazon RDS or Aurora") {
    return "set rds.logical_replication = 1 in the parameter group, and reboot";
  }
  if (service == "Google Cloud SQL") return "set the flag cloudsql.logical_decoding = on";
  if (service == "Neon") return "enable logical replication in the project's settings";
  return "alter system set wal_level = 'logical';  then restart the server";
}

base::Result<std::string> setting(pg::Connection& source, const char* name) {
  TRY_ASSIGN(pg::Rows rows, source.query("select coalesce(current_setting($1, true), '')", {name}));
  return rows.text(0, 0);
}

base::Status check_server(pg::Connection& source, Findings& findings) {
  int version = source.server_version();
  findings.push_back(
      {version >= version_min ? Severity::ok : Severity::error, "version",
       fmt::format("PostgreSQL {}.{}", version / 10'000, version % 10'000),
       version >= version_min ? "" : "Bemi needs PostgreSQL 14 or newer: upgrade the server"});
  TRY_ASSIGN(pg::Rows managed, source.run(select_managed));
  std::string service = managed.text(0, 0);
  if (!service.empty()) findings.push_back({Severity::info, "service", service, ""});
  TRY_ASSIGN(std::string level, setting(source, "wal_level"));
  bool logical = level == "logical";
  findings.push_back({logical ? Severity::ok : Severity::error, "wal_level", level,
                      logical ? "" : wal_level_fix(service)});
  TRY_ASSIGN(std::string plugins, setting(source, "output_plugin_libraries"));
  if (!plugins.empty() && plugins.find("pgoutput") == std::string::npos && plugins != "*") {
    findings.push_back({Severity::error, "output_plugin_libraries",
                        "pgoutput is not among " + plugins,
                        "alter system set output_plugin_libraries = 'pgoutput, " + plugins +
                            "';  then select pg_reload_conf()"});
  }
  TRY_ASSIGN(std::string keep, setting(source, "max_slot_wal_keep_size"));
  if (keep == "-1") {
    findings.push_back({Severity::info, "max_slot_wal_keep_size",
                        "no bound: a worker that stays away lets WAL grow until the disk is full",
                        "alter system set max_slot_wal_keep_size = '50GB';  beyond it the history "
                        "has a gap instead"});
  }
  return {};
}

base::Status check_role(pg::Connection& source, Findings& findings) {
  TRY_ASSIGN(pg::Rows role, source.run(select_role));
  bool may = !role.empty() && role.truth(0, 0);
  findings.push_back(
      {may ? Severity::ok : Severity::error, "role " + source.user(),
       may ? "may replicate" : "may not replicate",
       may ? "" : "alter role " + pg::quote_identifier(source.user()) + " replication"});
  return {};
}

base::Status check_slot(pg::Connection& source, const Settings& settings, Findings& findings) {
  TRY_ASSIGN(auto slot, wal::find_slot(source, settings.slot));
  if (slot) {
    bool lost = slot->wal_status == "lost";
    findings.push_back(
        {lost ? Severity::error : Severity::ok, "slot " + settings.slot,
         fmt::format("{}, {}, keeps {:.1f} MB of WAL", slot->active ? "active" : "not in use",
                     slot->wal_status, static_cast<double>(slot->retained_bytes) / 1e6),
         lost ? "bemi init --accept-gap" : ""});
    return {};
  }
  TRY_ASSIGN(pg::Rows room,
             source.run("select current_setting('max_replication_slots')::int - count(*), "
                        "current_setting('max_wal_senders')::int - "
                        "(select count(*) from pg_stat_replication) from pg_replication_slots"));
  bool free_slot = room.integer(0, 0) > 0;
  bool free_sender = room.integer(0, 1) > 0;
  findings.push_back({free_slot ? Severity::ok : Severity::error, "slot",
                      free_slot ? "there is room for one" : "all replication slots are taken",
                      free_slot
                          ? ""
                          : "raise max_replication_slots and restart, or drop a slot that "
                            "nobody uses: select * from pg_replication_slots where not active"});
  if (!free_sender) {
    findings.push_back({Severity::error, "max_wal_senders", "all WAL senders are taken",
                        "raise max_wal_senders and restart the server"});
  }
  return {};
}

// Whether each change of it is sent.
void check_published(const wal::Table& table, const std::string& publication, Findings& findings) {
  std::string subject = "table " + table.schema + "." + table.name;
  std::string ours = pg::quote_identifier(publication);
  std::string name = pg::quote_name(table.schema, table.name);
  if (!table.published && !table.is_partition) {
    findings.push_back({Severity::error, subject, "is not in the publication " + publication,
                        fmt::format("alter publication {} add table only {}", ours, name)});
  } else if (table.narrowed) {
    findings.push_back({Severity::error, subject,
                        "is published with a row filter or a list of columns: changes go unseen",
                        fmt::format("alter publication {0} drop table only {1}; "
                                    "alter publication {0} add table only {1}",
                                    ours, name)});
  }
}

base::Status check_table(pg::Connection& source, const wal::Table& table, const Settings& settings,
                         Findings& findings) {
  std::string subject = "table " + table.schema + "." + table.name;
  std::string name = pg::quote_name(table.schema, table.name);
  TRY_ASSIGN(pg::Rows rights, source.query(select_rights, {std::to_string(table.oid)}));
  if (rights.empty()) return {};
  std::string role = pg::quote_identifier(source.user());
  if (!rights.truth(0, 0)) {
    findings.push_back(
        {Severity::error, subject, "its schema may not be used by " + source.user(),
         fmt::format("grant usage on schema {} to {}", pg::quote_identifier(table.schema), role)});
  } else if (!rights.truth(0, 1)) {
    findings.push_back({Severity::error, subject, "may not be read by " + source.user(),
                        fmt::format("grant select on {} to {}", name, role)});
  }
  if (table.unlogged) {
    findings.push_back({Severity::warning, subject, "is unlogged: its changes are in no WAL",
                        fmt::format("alter table {} set logged", name)});
    return {};
  }
  bool full = table.identity == change::ReplicaIdentity::full;
  bool identified = full || table.identity == change::ReplicaIdentity::index ||
                    (table.identity == change::ReplicaIdentity::default_ && table.has_primary_key);
  std::string fix = fmt::format("alter table only {} replica identity full", name);
  bool full_harms = table.virtual_columns || !table.narrow_publication.empty();
  std::string why = table.virtual_columns
                        ? "it has virtual generated columns"
                        : "the publication " + table.narrow_publication + " leaves columns out";
  if (full_harms && (full || !identified)) {
    findings.push_back({table.published && full ? Severity::error : Severity::warning, subject,
                        (table.published && full ? "its updates fail: " : "is not tracked: ") +
                            why + ", which goes with no replica identity full",
                        table.has_primary_key
                            ? fmt::format("alter table only {} replica identity default", name)
                            : "give it a primary key, then: alter table only " + name +
                                  " replica identity default"});
    return {};
  }
  if (!identified) {
    findings.push_back(
        {table.published ? Severity::error : Severity::warning, subject,
         "has neither primary key nor replica identity: published, its updates would fail", fix});
  } else if (!full && settings.identity == IdentityPolicy::full) {
    findings.push_back({Severity::warning, subject,
                        full_harms ? "keeps its replica identity, since " + why
                        : table.wide_toast
                            ? "keeps its replica identity: full would write its large values "
                              "into WAL at every update"
                            : "has no whole rows before a change",
                        full_harms ? "" : fix});
  }
  check_published(table, settings.publication, findings);
  return {};
}

base::Status check_tables(pg::Connection& source, const Settings& settings, Findings& findings) {
  TRY_ASSIGN(auto publication, wal::find_publication(source, settings.publication));
  if (!publication) {
    findings.push_back({Severity::error, "publication " + settings.publication, "is not there",
                        "bemi init, with BEMI_ADMIN_URL of a role that owns the tables"});
  } else if (!publication->publishes_all_operations) {
    findings.push_back(
        {Severity::error, "publication " + settings.publication, "does not publish all operations",
         fmt::format("alter publication {} set (publish = 'insert, update, delete, truncate')",
                     pg::quote_identifier(settings.publication))});
  } else if (publication->via_root) {
    findings.push_back({Severity::error, "publication " + settings.publication,
                        "sends partitions by their root: what empties one of them goes unseen",
                        fmt::format("alter publication {} set (publish_via_partition_root = false)",
                                    pg::quote_identifier(settings.publication))});
  } else if (!publication->publishes_generated_columns) {
    findings.push_back({Severity::error, "publication " + settings.publication,
                        "does not publish generated columns: updates of tables that have some fail",
                        fmt::format("alter publication {} set (publish_generated_columns = stored)",
                                    pg::quote_identifier(settings.publication))});
  }
  std::string own = settings.one_database ? settings.destination.schema : "";
  TRY_ASSIGN(auto tables, wal::list_tables(source, settings.selection, settings.publication, own));
  std::size_t before = findings.size();
  for (const wal::Table& table : tables) TRY(check_table(source, table, settings, findings));
  if (findings.size() == before) {
    findings.push_back({Severity::ok, "tables", fmt::format("{} tracked", tables.size()), ""});
  }
  return {};
}

}  // namespace

base::Result<std::vector<Finding>> check_source(pg::Connection& source, const Settings& settings) {
  Findings findings;
  TRY(check_server(source, findings));
  TRY(check_role(source, findings));
  TRY(check_slot(source, settings, findings));
  TRY(check_tables(source, settings, findings));
  TRY_ASSIGN(std::vector<Finding> of_triggers, check_event_triggers(source));
  std::ranges::move(of_triggers, std::back_inserter(findings));
  return findings;
}

}  // namespace setup
