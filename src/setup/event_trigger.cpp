// SPDX-License-Identifier: LGPL-3.0-or-later
#include "setup/event_trigger.hpp"

#include <utility>

#include <fmt/format.h>

#include "base/sha256.hpp"
#include "setup/source_sql.hpp"
#include "store/own_schema.hpp"

namespace bemi::setup {
namespace {

constexpr const char* select_may =
    "select me.rolsuper or (r.oid is not null and pg_has_role(current_user, r.oid, 'member')) "
    "from pg_roles me left join pg_roles r on r.rolname = 'rds_superuser' "
    "where me.rolname = current_user";

// A schema that a lesser role owns would let it replace what the event triggers run.
constexpr const char* select_owner = R"(
select pg_get_userbyid(place.nspowner), place.nspowner = me.oid or owner.rolsuper
  or exists (select from pg_event_trigger t join pg_proc f on f.oid = t.evtfoid
             where f.pronamespace = place.oid and t.evtowner = place.nspowner)
from pg_namespace place join pg_roles owner on owner.oid = place.nspowner, pg_roles me
where place.nspname = '_bemi_source' and me.rolname = current_user)";

constexpr const char* select_triggers = R"(
select count(*) from pg_event_trigger trigger join pg_proc function on function.oid = trigger.evtfoid
where function.pronamespace = to_regnamespace('_bemi_source')
  and trigger.evtname in ('bemi_track_ddl', 'bemi_track_drop', 'bemi_track_rewrite') and trigger.evtenabled = 'A')";

std::string pattern_rows(const change::Selection& selection) {
  std::string rows;
  int id = 0;
  auto add = [&](const std::vector<change::Pattern>& patterns, bool excludes) {
    for (const change::Pattern& pattern : patterns) {
      rows += fmt::format("insert into _bemi_source.pattern values ({}, {}, {}, {});\n", ++id,
                          excludes, pg::quote_literal(change::regex_of(pattern.parts[0])),
                          pg::quote_literal(change::regex_of(pattern.parts[1])));
    }
  };
  add(selection.include(), false);
  add(selection.exclude(), true);
  return rows;
}

std::string settings_sql(const Settings& settings) {
  return fmt::format(
      "delete from _bemi_source.tracking;\n"
      "insert into _bemi_source.tracking (publication, whole_rows, history_schema) "
      "values ({}, {}, {});\n"
      "delete from _bemi_source.pattern;\n{}",
      pg::quote_literal(settings.publication), settings.identity == IdentityPolicy::full,
      settings.one_database ? pg::quote_literal(settings.destination.schema) : "null",
      pattern_rows(settings.selection));
}

std::string grants_sql(const std::string& worker_role) {
  if (worker_role.empty()) return {};
  return fmt::format(
      "grant usage on schema _bemi_source to {0};\n"
      "grant select on _bemi_source.signing_key, _bemi_source.trigger_failure, "
      "_bemi_source.copy_schema, _bemi_source.installed to {0};\n"
      "grant execute on function _bemi_source.look(timestamptz, pg_lsn) to {0};\n",
      pg::quote_identifier(worker_role));
}

// Existing tables count as told: the worker reads the catalog when it begins.
constexpr const char* remember_sql =
    R"(select count(*) filter (where _bemi_source.remember(named.oid, _bemi_source.describe(named.oid)) <> '')
from pg_class named where named.oid >= 16384 and named.relkind in ('r', 'p') and _bemi_source.is_wanted(named.oid)
  and not exists (select from _bemi_source.shape known where known.relation = named.oid);
select count(*) filter (where _bemi_source.labels_changed(named.oid)) from pg_type named where named.typtype = 'e'
  and not exists (select from _bemi_source.enum_labels known where known.type = named.oid);
)";

}  // namespace

base::Result<std::vector<Step>> plan_event_trigger(pg::Connection& admin,
                                                   const Settings& settings) {
  TRY_ASSIGN(pg::Rows may, admin.run(select_may));
  if (may.empty() || !may.truth(0, 0)) return std::vector<Step>{};
  TRY_ASSIGN(pg::Rows owner, admin.run(select_owner));
  if (!owner.empty() && !owner.truth(0, 1)) {
    return std::unexpected(
        store::foreign_owner("the schema _bemi_source", owner.text(0, 0), admin.user()));
  }
  std::string worker = settings.worker_role == admin.user() ? "" : settings.worker_role;
  // The files name every schema: event triggers of the application, which run meanwhile, may not.
  std::string sql = std::string(source_sql()) + "set local search_path = pg_catalog, pg_temp;\n" +
                    settings_sql(settings) + grants_sql(worker) + remember_sql;
  std::string digest = base::hex(base::sha256({sql}));
  sql +=
      "delete from _bemi_source.installed;\n"
      "insert into _bemi_source.installed (digest) values (" +
      pg::quote_literal(digest) + ")";
  TRY_ASSIGN(pg::Rows triggers, admin.run(select_triggers));
  if (!owner.empty() && triggers.integer(0, 0) == 3) {
    TRY_ASSIGN(pg::Rows installed, admin.run("select digest from _bemi_source.installed"));
    if (!installed.empty() && installed.text(0, 0) == digest) return std::vector<Step>{};
  }
  return std::vector<Step>{
      {.what = "track new tables and changes of tables at once (event triggers)",
       .sql = std::move(sql),
       .optional = true}};
}

std::vector<Step> drop_event_trigger() {
  return {{.what = "remove the event triggers",
           .sql = "drop event trigger if exists bemi_track_ddl; "
                  "drop event trigger if exists bemi_track_drop; "
                  "drop event trigger if exists bemi_track_rewrite; "
                  "drop schema if exists _bemi_source cascade"}};
}

}  // namespace bemi::setup
