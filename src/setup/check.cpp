// SPDX-License-Identifier: LGPL-3.0-or-later
//
// Looks whether the source is ready. Every finding that is not ok says what to run.
#include <algorithm>
#include <iterator>

#include <fmt/format.h>

#include "setup/check_event_triggers.hpp"
#include "setup/setup.hpp"
#include "wal/slot.hpp"

namespace bemi::setup {
namespace {

using Findings = std::vector<Finding>;

constexpr int version_min = 140000;

constexpr const char* select_role = R"(
select rolsuper or rolreplication
       or exists (select 1 from pg_roles r where r.rolname in ('rds_replication', 'cloudsqlsuperuser',
                    'azure_pg_admin', 'neon_superuser') and pg_has_role(current_user, r.oid, 'member')),
       rolname
from pg_roles where rolname = current_user)";

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
                            "'; select pg_reload_conf();"});
  }
  TRY_ASSIGN(std::string keep, setting(source, "max_slot_wal_keep_size"));
  if (keep == "-1") {
    findings.push_back(
        {Severity::info, "max_slot_wal_keep_size",
         "no bound: a worker that stays away lets WAL grow until the disk is full; "
         "beyond a bound, the history has a gap instead",
         "alter system set max_slot_wal_keep_size = '50GB'; select pg_reload_conf();"});
  }
  TRY_ASSIGN(std::string encoding, setting(source, "server_encoding"));
  if (encoding == "SQL_ASCII") {
    findings.push_back(
        {Severity::warning, "server_encoding",
         "SQL_ASCII says nothing of what text means: values that are not UTF-8 are stored with "
         "their bytes as \\x.., and are marked as not known exactly",
         "move the data into a database with encoding UTF8"});
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
    if (std::string foreign = wal::foreign_slot(*slot, source.database()); !foreign.empty()) {
      findings.push_back({Severity::error, "slot " + settings.slot, foreign,
                          "choose another name with --slot, or of the source with --name"});
      return {};
    }
    if (settings.known_slot != settings.slot) {
      findings.push_back(
          {Severity::error, "slot " + settings.slot,
           "is there, and this destination does not know it",
           "give the history that reads it as --destination, or choose another name with --slot"});
      return {};
    }
    bool lost = slot->wal_status == "lost";
    Severity severity = lost ? Severity::error : slot->active ? Severity::ok : Severity::warning;
    findings.push_back(
        {severity, "slot " + settings.slot,
         fmt::format("{}, {}, keeps {:.1f} MB of WAL",
                     slot->active ? "active" : "no worker reads it", slot->wal_status,
                     static_cast<double>(slot->retained_bytes) / 1e6),
         lost           ? "bemi init --accept-gap"
         : slot->active ? ""
                        : "bemi run"});
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

// Obstacles to the start of `bemi init`.
base::Status check_names(pg::Connection& source, const Settings& settings, Findings& findings) {
  Settings without_slot = settings;
  without_slot.known_slot = settings.slot;  // said already
  without_slot.known_streaming = true;
  base::Status looked = look_at_source(source, without_slot);
  if (looked) return {};
  if (looked.error().kind != base::ErrorKind::conflict) return looked;
  findings.push_back({Severity::error, "names", looked.error().message, looked.error().hint});
  return {};
}

}  // namespace

base::Result<std::vector<Finding>> check_source(pg::Connection& source, const Settings& settings) {
  Findings findings;
  TRY(check_server(source, findings));
  TRY(check_role(source, findings));
  TRY(check_slot(source, settings, findings));
  TRY(check_names(source, settings, findings));
  TRY_ASSIGN(auto of_tables, check_tables(source, settings));
  std::ranges::move(of_tables, std::back_inserter(findings));
  TRY_ASSIGN(std::vector<Finding> of_triggers, check_event_triggers(source));
  std::ranges::move(of_triggers, std::back_inserter(findings));
  return findings;
}

}  // namespace bemi::setup
