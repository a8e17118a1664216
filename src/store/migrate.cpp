// SPDX-License-Identifier: LGPL-3.0-or-later
#include "store/migrate.hpp"

#include <chrono>

#include "pg/named_lock.hpp"
#include "store/history_state.hpp"
#include "store/migrations.hpp"
#include "store/own_schema.hpp"
#include "store/roles.hpp"
#include "store/schema.hpp"
#include "store/sql.hpp"

namespace bemi::store {
namespace {

constexpr int version_min = 140000;
constexpr std::chrono::seconds lock_timeout{5};

// There is no table of ours yet, so a role counts if it may make our schemas.
pg::LockName preparing_lock() {
  return {"bemi prepares the history",
          "has_database_privilege(session.usesysid, current_database(), 'create')"};
}

base::Status lock_preparing(pg::Connection& destination) {
  auto until = std::chrono::steady_clock::now() + lock_timeout;
  while (true) {
    TRY_ASSIGN(bool locked, pg::try_lock(destination, preparing_lock()));
    if (locked) return {};
    if (std::chrono::steady_clock::now() > until) {
      return base::fail(base::ErrorKind::lock_timeout, "another one is preparing the history");
    }
    TRY(destination.run("select pg_sleep(0.02 + random() * 0.03)"));
  }
}

std::string replaced(std::string text, std::string_view from, const std::string& to) {
  for (std::size_t at = text.find(from); at != std::string::npos;
       at = text.find(from, at + to.size())) {
    text.replace(at, from.size(), to);
  }
  return text;
}

base::Status check_version(pg::Connection& destination) {
  if (destination.server_version() >= version_min) return {};
  return base::fail(base::ErrorKind::unsupported, "the destination's PostgreSQL is older than 14",
                    "upgrade it, or choose another destination with --destination");
}

std::string in_schema(const char* sql, const DestinationSettings& settings) {
  return replaced(sql, "@schema@", pg::quote_identifier(settings.schema));
}

// In our schema, where only views and functions are ours.
constexpr const char* select_foreign = R"(
select coalesce(string_agg(format('%I.%I', n.nspname, c.relname), ', '), '')
from pg_class c join pg_namespace n on n.oid = c.relnamespace
where n.nspname = 'bemi' and c.relkind in ('r', 'p', 'f', 'm'))";

std::string statements_of(const Migration& migration, const DestinationSettings& settings) {
  std::string sql = in_schema(migration.sql, settings);
  if (version_of(migration) == 1) {
    sql += "insert into _bemi.destination (schema, partition_by) values (" +
           pg::quote_literal(settings.schema) + ", '" + name(settings.partition_by) + "');\n";
  }
  return sql + "insert into _bemi.migration (version, name, sha256) values (" +
         std::to_string(version_of(migration)) + ", '" + migration.name + "', '" +
         migration.sha256 + "')";
}

// The tables are as these migrations make them: check_first_release.
std::string statements_of_hashes() {
  std::string sql = "alter table _bemi.migration add column sha256 text";
  for (const Migration& migration : migrations()) {
    if (version_of(migration) > first_release) break;
    sql += ";\nupdate _bemi.migration set sha256 = '" + std::string(migration.sha256) +
           "' where version = " + std::to_string(version_of(migration));
  }
  return sql;
}

// In any order: what a function calls is looked up when it runs.
std::string statements_of_functions(const DestinationSettings& settings) {
  std::string sql = "set local check_function_bodies = off;\n";
  for (const FunctionFile& file : function_files()) sql += in_schema(file.sql, settings) + "\n";
  return sql +
         "select _bemi.note_installed();\nselect _bemi.settle_rights();\n"
         "insert into _bemi.function_set (sha256, version) values ('" +
         std::string(functions_sha256()) + "', '" + std::string(program_version()) +
         "') on conflict (only_row) do update set sha256 = excluded.sha256, "
         "version = excluded.version, installed_at = now()";
}

base::Status run_all(pg::Connection& destination, const DestinationSettings& settings) {
  // Another one may have migrated while we waited for the lock.
  TRY_ASSIGN(std::vector<std::string> statements, pending_migrations(destination, settings));
  if (!statements.empty()) TRY(become_owner(destination, /*local=*/true));
  for (const std::string& statement : statements) TRY(destination.run(statement));
  // Somebody may have made a schema since it was looked at first.
  return check_own_schema(destination);
}

// Adds a hint if a role that may only write finds an older history.
base::Error explained(const base::Error& error, bool is_upgrade) {
  base::Error explained = error.within("cannot prepare the destination");
  if (is_upgrade && error.kind == base::ErrorKind::permission) {
    explained.hint = "the history is of an older Bemi: run bemi init, with BEMI_ADMIN_URL";
  }
  return explained;
}

}  // namespace

base::Result<PartitionBy> parse_partition_by(const std::string& text) {
  if (text == "day") return PartitionBy::day;
  if (text == "week") return PartitionBy::week;
  if (text == "month") return PartitionBy::month;
  return base::fail(base::ErrorKind::usage, "not a partition size: " + text,
                    "use day, week or month");
}

std::string name(PartitionBy by) {
  switch (by) {
    case PartitionBy::day: return "day";
    case PartitionBy::week: return "week";
    case PartitionBy::month: return "month";
  }
  return "";
}

base::Result<std::string> history_schema(pg::Connection& destination) {
  TRY_ASSIGN(pg::Rows there,
             destination.run("select to_regclass('_bemi.destination') is not null"));
  if (there.truth(0, 0)) {
    TRY_ASSIGN(pg::Rows rows, destination.run("select schema from _bemi.destination"));
    if (!rows.empty()) return rows.text(0, 0);
  }
  return base::fail(base::ErrorKind::usage, "there is no history in this destination",
                    "run: bemi init, or check --destination");
}

base::Result<std::vector<std::string>> pending_migrations(pg::Connection& destination,
                                                          const DestinationSettings& settings) {
  TRY(check_version(destination));
  TRY(check_own_schema(destination));
  TRY_ASSIGN(HistoryState state, read_state(destination));
  DestinationSettings actual = settings;
  std::vector<std::string> statements;
  if (state.applied.empty()) {
    TRY(check_obstacle(destination, settings.schema));
    if (settings.schema != "public") {
      statements.push_back("create schema if not exists " + pg::quote_identifier(settings.schema));
    }
    statements.emplace_back(sql::create_schemas);
  } else {
    TRY(check_state(destination, state));
    TRY_ASSIGN(actual.schema, history_schema(destination));
    if (!state.has_hashes) statements.push_back(statements_of_hashes());
  }
  int version = state.applied.empty() ? 0 : state.applied.back().version;
  for (const Migration& migration : migrations()) {
    if (version_of(migration) > version) statements.push_back(statements_of(migration, actual));
  }
  if (state.functions_sha256 != functions_sha256()) {
    statements.push_back(statements_of_functions(actual));
  }
  TRY_ASSIGN(bool makes_roles, may_make_roles(destination, actual.schema));
  if (makes_roles) statements.emplace_back("select _bemi.make_roles()");
  return statements;
}

base::Status migrate(pg::Connection& destination, const DestinationSettings& settings) {
  TRY_ASSIGN(std::vector<std::string> statements, pending_migrations(destination, settings));
  if (statements.empty()) return {};
  bool is_upgrade = history_schema(destination).has_value();
  TRY(lock_preparing(destination));
  TRY(destination.run(pg::begin_ddl(lock_timeout)));
  base::Status done = run_all(destination, settings);
  TRY(destination.run(done ? "commit" : "rollback"));
  TRY(pg::unlock(destination, preparing_lock().name));
  if (!done) return std::unexpected(explained(done.error(), is_upgrade));
  return {};
}

base::Status may_drop_history(pg::Connection& destination) {
  if (!history_schema(destination)) return {};
  TRY_ASSIGN(pg::Rows foreign, destination.run(select_foreign));
  std::string tables = foreign.text(0, 0);
  if (tables.empty()) return {};
  return base::fail(base::ErrorKind::conflict,
                    "the schema bemi contains objects that Bemi did not make: " + tables +
                        "; nothing was dropped",
                    "move it: alter table ... set schema ...");
}

base::Status drop_history(pg::Connection& destination) {
  TRY(may_drop_history(destination));
  auto schema = history_schema(destination);
  if (!schema) return {};
  TRY_ASSIGN(auto roles, roles_of(destination));
  TRY(destination.run(pg::begin_ddl(lock_timeout) + sql::drop_views +
                      "drop schema if exists bemi cascade; drop schema _bemi cascade; "
                      "drop table if exists " +
                      changes_name(*schema) + "; commit"));
  drop_roles(destination, roles);
  return {};
}

}  // namespace bemi::store
