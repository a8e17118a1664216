// SPDX-License-Identifier: LGPL-3.0-or-later
//
// Checks whether the destination is ready, and what each role may do with the history.
#include <fmt/format.h>

#include "setup/setup.hpp"
#include "setup/sql.hpp"
#include "store/roles.hpp"
#include "store/schema.hpp"

namespace bemi::setup {
namespace {

using Findings = std::vector<Finding>;

// The schema's owner may drop everything in it.
constexpr const char* select_schema_owner = R"(
select r.rolname
from pg_namespace n join pg_class c on c.relnamespace = n.oid
join pg_roles r on r.oid = case when n.nspowner = 'pg_database_owner'::regrole
                             then (select d.datdba from pg_database d where d.datname = current_database())
                             else n.nspowner end
where c.oid = $1::regclass and not r.rolsuper and r.oid <> c.relowner)";

constexpr const char* select_failed_views = R"(
select count(*), min(format('%I.%I: %s', t.schema, t."table", t.problem))
from bemi.time_travel_tables t where t.problem is not null)";

base::Status check_views(pg::Connection& destination, Findings& findings) {
  TRY_ASSIGN(pg::Rows failed, destination.run(select_failed_views));
  std::int64_t count = failed.integer(0, 0);
  if (count == 0) return {};
  findings.push_back({Severity::warning, "history",
                      fmt::format("{} views of the past cannot answer, such as that of {}", count,
                                  failed.text(0, 1)),
                      "select * from bemi.time_travel_tables where problem is not null; the worker "
                      "tries again every five minutes"});
  return {};
}

base::Status check_foreign(pg::Connection& destination, const std::string& changes,
                           Findings& findings) {
  TRY_ASSIGN(pg::Rows rights, destination.query(sql::foreign_rights, {changes}));
  for (int row = 0; row < rights.count(); ++row) {
    bool harms = rights.truth(row, 3);
    bool writes = rights.truth(row, 4);
    findings.push_back({harms    ? Severity::error
                        : writes ? Severity::warning
                                 : Severity::info,
                        "role " + rights.text(row, 0),
                        "may " + rights.text(row, 1) + " on " + rights.text(row, 2),
                        writes || harms ? rights.text(row, 5) : ""});
  }
  TRY_ASSIGN(pg::Rows code, destination.query(sql::foreign_code, {changes}));
  for (int row = 0; row < code.count(); ++row) {
    findings.push_back({Severity::error, "history",
                        code.text(row, 0) + " is not Bemi's, and acts when the history is used",
                        code.text(row, 1)});
  }
  TRY_ASSIGN(pg::Rows owner, destination.query(select_schema_owner, {changes}));
  if (!owner.empty()) {
    findings.push_back({Severity::warning, "history",
                        owner.text(0, 0) + " owns the schema that it is in, and may drop it",
                        "keep the history in a schema or database of its own (--schema)"});
  }
  return {};
}

base::Status check_roles(pg::Connection& destination, Findings& findings) {
  TRY_ASSIGN(auto roles, store::roles_of(destination));
  TRY_ASSIGN(bool owns, store::is_owner(destination));
  std::string subject = "role " + destination.user();
  if (roles.empty()) {
    findings.push_back({Severity::warning, "history",
                        "owner, writer, dashboard and readers are not apart: no roles were made",
                        "bemi init as a role that may make roles: alter role ... createrole"});
  }
  if (!owns) return {};
  auto writer = roles.find("writer");
  findings.push_back(
      {Severity::warning, subject,
       "writes the history and may change it: owner, writer and dashboard are one role",
       writer == roles.end() ? "give the worker a role of its own"
                             : fmt::format("create role ... login;  grant {} to ...;  and let "
                                           "the worker be it",
                                           pg::quote_identifier(writer->second))});
  return {};
}

void check_encoding(const pg::Connection& destination, Findings& findings) {
  std::string encoding = destination.server_encoding();
  if (encoding == "UTF8" || encoding == "SQL_ASCII") return;
  findings.push_back({Severity::warning, "history",
                      fmt::format("its database is in {}, which lacks characters: in a context "
                                  "stands the escape of such a character, and a row with one is "
                                  "kept in _bemi.parked",
                                  encoding),
                      "keep the history in a UTF8 database"});
}

base::Status check_history(pg::Connection& destination, Findings& findings) {
  TRY_ASSIGN(std::string schema, store::history_schema(destination));
  std::string changes = store::changes_name(schema);
  TRY_ASSIGN(pg::Rows may,
             destination.query("select has_table_privilege($1, 'insert')", {changes}));
  findings.push_back({may.truth(0, 0) ? Severity::ok : Severity::error, "history",
                      may.truth(0, 0) ? "ready" : "may not be written by " + destination.user(),
                      may.truth(0, 0) ? "" : "bemi init, with BEMI_ADMIN_URL"});
  TRY_ASSIGN(pg::Rows reads,
             destination.run("select has_table_privilege('_bemi.installed', 'select') and "
                             "has_table_privilege('_bemi.role', 'select')"));
  check_encoding(destination, findings);
  if (!reads.truth(0, 0)) return {};
  TRY(check_roles(destination, findings));
  TRY(check_views(destination, findings));
  return check_foreign(destination, changes, findings);
}

}  // namespace

base::Result<std::vector<Finding>> check_destination(pg::Connection& destination,
                                                     const Settings& settings) {
  Findings findings;
  base::Status looked = look_at_destination(destination);
  if (!looked && looked.error().kind != base::ErrorKind::conflict) {
    return std::unexpected(looked.error());
  }
  if (!looked) {
    findings.push_back({Severity::error, "schema", looked.error().message, looked.error().hint});
    return findings;
  }
  auto pending = store::pending_migrations(destination, settings.destination);
  if (!pending) {
    findings.push_back({Severity::error, "schema", pending.error().message, pending.error().hint});
    return findings;
  }
  if (store::history_schema(destination)) {
    if (!pending->empty()) {
      findings.push_back({Severity::warning, "history",
                          "is to be upgraded, or lacks its roles: bemi init does it", "bemi init"});
      return findings;
    }
    TRY(check_history(destination, findings));
    return findings;
  }
  TRY_ASSIGN(pg::Rows may,
             destination.run("select has_database_privilege(current_database(), 'create')"));
  bool can = may.truth(0, 0);
  findings.push_back({can ? Severity::info : Severity::error, "history",
                      can ? "not there yet: bemi run makes it"
                          : "not there, and " + destination.user() + " may not make it",
                      can ? ""
                          : fmt::format("grant create on database {} to {}",
                                        pg::quote_identifier(destination.database()),
                                        pg::quote_identifier(destination.user()))});
  return findings;
}

}  // namespace bemi::setup
