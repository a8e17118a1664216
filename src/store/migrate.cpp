// SPDX-License-Identifier: LGPL-3.0-or-later
#include "store/migrate.hpp"

#include <optional>

#include "base/number.hpp"
#include "store/migrations.hpp"
#include "store/schema.hpp"

namespace store {
namespace {

constexpr int version_min = 140000;
constexpr std::chrono::seconds lock_timeout{5};

// Any constant will do; it only has to be ours: "bemi" in ASCII.
constexpr const char* take_lock = "select pg_advisory_xact_lock(1650814313)";

constexpr const char* create_own_schema = R"(create schema if not exists _bemi;
create table if not exists _bemi.migration (
  version int primary key,
  name text not null,
  applied_at timestamptz not null default now()
))";

// What stands where `changes` should be, unless it is ours.
constexpr const char* find_obstacle = R"(
select case c.relkind when 'f' then 'a foreign table' when 'v' then 'a view' else 'a table' end
from pg_class c join pg_namespace n on n.oid = c.relnamespace
where n.nspname = $1 and c.relname = 'changes'
  and coalesce(obj_description(c.oid, 'pg_class'), '') not like '%kept by Bemi%')";

int version_of(const Migration& migration) {
  std::string_view name = migration.name;
  return base::parse_number<int>(name.substr(0, name.find('_'))).value_or(0);
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

// Zero when Bemi was never here.
base::Result<int> current_version(pg::Connection& destination) {
  TRY_ASSIGN(pg::Rows there, destination.run("select to_regclass('_bemi.migration') is not null"));
  if (!there.truth(0, 0)) return 0;
  TRY_ASSIGN(pg::Rows rows,
             destination.run("select coalesce(max(version), 0) from _bemi.migration"));
  return static_cast<int>(rows.integer(0, 0));
}

base::Status check_obstacle(pg::Connection& destination, const std::string& schema) {
  TRY_ASSIGN(pg::Rows rows, destination.query(find_obstacle, {schema}));
  if (rows.empty()) return {};
  return base::fail(base::ErrorKind::conflict,
                    rows.text(0, 0) + " named " + changes_name(schema) +
                        " that is not Bemi's is in the way; it is left untouched",
                    "rename it, or choose another schema with --schema");
}

// Views of the past stand in schemas of their own.
constexpr const char* drop_views = R"(do $$
declare view record; place text;
begin
  if to_regclass('_bemi.view') is null then return; end if;
  for view in
    select view_schema as schema, "table" from _bemi.view union
    select 'time_travel' || case when schema = 'public' then '' else '_' || schema end, "table" from _bemi.untracked
  loop
    execute format('drop view if exists %I.%I', view.schema, view."table");
  end loop;
  for place in select nspname from pg_namespace n where nspname ~ '^time_travel'
      and not exists (select from pg_class c where c.relnamespace = n.oid) loop
    execute format('drop schema %I', place);
  end loop;
end $$;
)";

std::string statements_of(const Migration& migration, const DestinationSettings& settings) {
  std::string sql = replaced(migration.sql, "@schema@", pg::quote_identifier(settings.schema));
  if (version_of(migration) == 1) {
    sql = "create schema if not exists " + pg::quote_identifier(settings.schema) + ";\n" + sql +
          "insert into _bemi.destination (schema, partition_by) values (" +
          pg::quote_literal(settings.schema) + ", '" + name(settings.partition_by) + "');\n";
  }
  return sql + "insert into _bemi.migration (version, name) values (" +
         std::to_string(version_of(migration)) + ", '" + migration.name + "')";
}

base::Status run_all(pg::Connection& destination, const DestinationSettings& settings) {
  TRY(destination.run(take_lock));
  // Another one may have migrated while we waited for the lock.
  TRY_ASSIGN(std::vector<std::string> statements, pending_migrations(destination, settings));
  for (const std::string& statement : statements) TRY(destination.run(statement));
  return {};
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
  TRY_ASSIGN(int version, current_version(destination));
  if (version == 0) TRY(check_obstacle(destination, settings.schema));
  std::vector<std::string> statements;
  if (version == 0) statements.emplace_back(create_own_schema);
  int newest = 0;
  for (const Migration& migration : migrations()) {
    newest = version_of(migration);
    if (newest > version) statements.push_back(statements_of(migration, settings));
  }
  if (version > newest) {
    return base::fail(base::ErrorKind::unsupported, "the destination was prepared by a newer Bemi",
                      "upgrade this bemi");
  }
  return statements;
}

base::Status migrate(pg::Connection& destination, const DestinationSettings& settings) {
  TRY_ASSIGN(std::vector<std::string> statements, pending_migrations(destination, settings));
  if (statements.empty()) return {};
  TRY(destination.run(pg::begin_ddl(lock_timeout)));
  base::Status done = run_all(destination, settings);
  TRY(destination.run(done ? "commit" : "rollback"));
  if (!done) return std::unexpected(done.error().within("cannot prepare the destination"));
  return {};
}

base::Status drop_history(pg::Connection& destination) {
  auto schema = history_schema(destination);
  if (!schema) return {};
  TRY(destination.run(pg::begin_ddl(lock_timeout) + drop_views +
                      "drop schema if exists bemi cascade; drop schema _bemi cascade; "
                      "drop table if exists " +
                      changes_name(*schema) + "; commit"));
  return {};
}

}  // namespace store
