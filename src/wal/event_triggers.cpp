// SPDX-License-Identifier: LGPL-3.0-or-later
#include "wal/event_triggers.hpp"

#include "base/log.hpp"
#include "base/sha256.hpp"
#include "wal/source.hpp"

namespace bemi::wal {
namespace {

// Only a superuser, or who stands for one, makes event triggers; what is in that role's schema is
// its own.
constexpr const char* select_may_read = R"(
select pg_catalog.has_schema_privilege(place.oid, 'usage')
  and pg_catalog.has_table_privilege(named.oid, 'select')
from pg_catalog.pg_event_trigger trigger join pg_catalog.pg_proc function on function.oid = trigger.evtfoid
join pg_catalog.pg_namespace place on place.oid = function.pronamespace
join pg_catalog.pg_class named on named.relnamespace = place.oid and named.relname = $1
where trigger.evtname = 'bemi_track_ddl' and trigger.evtenabled <> 'D' and place.nspname = '_bemi_source'
  and trigger.evtowner = function.proowner and trigger.evtowner = place.nspowner
  and trigger.evtowner = named.relowner)";

constexpr const char* count_catalog_changes = R"(
select sum(pg_stat_get_tuples_inserted(catalog) + pg_stat_get_tuples_updated(catalog)
           + pg_stat_get_tuples_deleted(catalog))::text
from unnest(array['pg_class', 'pg_attribute', 'pg_index', 'pg_constraint', 'pg_type', 'pg_enum', 'pg_namespace',
                  'pg_publication', 'pg_publication_rel', 'pg_event_trigger', 'pg_proc']::regclass[]) catalog)";

// nullopt: there are no event triggers of ours.
base::Result<std::optional<bool>> may_read(pg::Connection& source, const char* table) {
  TRY_ASSIGN(pg::Rows rows, source.query(select_may_read, {table}));
  if (rows.empty()) return std::nullopt;
  return rows.truth(0, 0);
}

constexpr const char* select_key =
    "select encode(inner_key, 'hex'), encode(outer_key, 'hex') from _bemi_source.signing_key";

}  // namespace

base::Result<std::optional<change::SigningKey>> find_signing_key(pg::Connection& source) {
  TRY_ASSIGN(auto may, may_read(source, "signing_key"));
  if (!may) return std::nullopt;
  if (!*may) {
    base::log::warning(
        "the role {} may not read the event triggers' signing key, so Bemi finds altered tables "
        "later, by comparing catalogs; an administrator runs: bemi init",
        source.user());
    return std::nullopt;
  }
  TRY_ASSIGN(pg::Rows key, source.run(select_key));
  if (key.empty()) return std::nullopt;
  return change::SigningKey{.inner = base::from_hex(key.text(0, 0)),
                            .outer = base::from_hex(key.text(0, 1))};
}

base::Result<std::vector<std::string>> copy_schemas(pg::Connection& source) {
  TRY_ASSIGN(auto may, may_read(source, "copy_schema"));
  std::vector<std::string> schemas;
  if (!may.value_or(false)) return schemas;
  TRY_ASSIGN(pg::Rows rows, source.run("select name from _bemi_source.copy_schema"));
  for (int row = 0; row < rows.count(); ++row) schemas.push_back(rows.text(row, 0));
  return schemas;
}

base::Result<bool> may_look(pg::Connection& source) {
  TRY_ASSIGN(auto may, may_read(source, "signing_key"));
  if (!may.value_or(false)) return false;
  TRY_ASSIGN(pg::Rows rows, source.run("select not pg_is_in_recovery()"));
  return rows.truth(0, 0);
}

base::Result<std::string> catalog_changes(pg::Connection& source) {
  TRY_ASSIGN(pg::Rows rows, source.run(count_catalog_changes));
  return rows.text(0, 0);
}

base::Result<Look> look_of_now(pg::Connection& source) {
  TRY_ASSIGN(Moment moment, now(source));
  TRY_ASSIGN(change::Lsn position, flushed_position(source));
  return Look{.time = moment.time, .position = position};
}

base::Result<std::int64_t> look(pg::Connection& source, const Look& last) {
  TRY_ASSIGN(pg::Rows rows, source.query("select _bemi_source.look($1, $2)",
                                         {base::format(last.time), change::format(last.position)}));
  return rows.integer(0, 0);
}

base::Result<std::vector<TriggerFailure>> trigger_failures(pg::Connection& source) {
  TRY_ASSIGN(auto may, may_read(source, "trigger_failure"));
  std::vector<TriggerFailure> failures;
  if (!may.value_or(false)) return failures;
  TRY_ASSIGN(pg::Rows rows, source.run("select message, count, last_at from "
                                       "_bemi_source.trigger_failure order by last_at desc"));
  for (int row = 0; row < rows.count(); ++row) {
    failures.push_back({rows.text(row, 0), rows.integer(row, 1), rows.text(row, 2)});
  }
  return failures;
}

}  // namespace bemi::wal
