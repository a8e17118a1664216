// SPDX-License-Identifier: LGPL-3.0-or-later
//
// Looks whether the destination is ready, and who may do what with the history.
#include <fmt/format.h>

#include "setup/setup.hpp"
#include "store/roles.hpp"
#include "store/schema.hpp"

namespace setup {
namespace {

using Findings = std::vector<Finding>;

// Rights of others than the owner and the roles that `bemi init` made. $1: `changes`.
constexpr const char* select_foreign_rights = R"(
with ours as (
  select c.oid, c.oid::regclass::text as name, c.relowner, c.relacl,
         c.oid = $1::regclass or exists (select from pg_inherits i where i.inhrelid = c.oid and i.inhparent = $1::regclass)
           as is_history
  from pg_class c
  where c.oid in (select to_regclass(i.name) from _bemi.installed i where i.kind in ('table', 'view'))
     or c.oid in (select i.inhrelid from pg_inherits i where i.inhparent = $1::regclass)
)
select coalesce(r.rolname, 'public'), string_agg(distinct a.privilege_type, ', '),
       case when count(distinct o.name) = 1 then min(o.name) else count(distinct o.name) || ' tables of the history' end,
       bool_or(a.grantee = 0 or o.is_history and a.privilege_type in ('UPDATE', 'DELETE', 'TRUNCATE', 'TRIGGER')),
       bool_or(a.privilege_type <> 'SELECT'), 'revoke all on ' || string_agg(distinct o.name, ', ') || ' from '
         || coalesce(quote_ident(r.rolname), 'public')
from ours o cross join lateral aclexplode(o.relacl) a left join pg_roles r on r.oid = a.grantee
where a.grantee <> o.relowner and (r.rolname is null or r.rolname not in (select m.name from _bemi.role m))
group by r.rolname order by 1)";

// Code of others that would run when the history is written or read.
constexpr const char* select_foreign_code = R"(
with ours as (
  select $1::regclass as oid union all
  select i.inhrelid from pg_inherits i where i.inhparent = $1::regclass union all
  select to_regclass(i.name) from _bemi.installed i where i.kind = 'table'
)
select format('the trigger %I on %s', t.tgname, t.tgrelid::regclass), format('drop trigger %I on %s', t.tgname, t.tgrelid::regclass)
from pg_trigger t where t.tgrelid in (select oid from ours) and not t.tgisinternal
union
select format('the rule %I on %s', r.rulename, r.ev_class::regclass), format('drop rule %I on %s', r.rulename, r.ev_class::regclass)
from pg_rewrite r where r.ev_class in (select oid from ours)
union
select format('row level security of %s', c.oid::regclass), format('alter table %s disable row level security', c.oid::regclass)
from pg_class c where c.oid in (select oid from ours) and c.relrowsecurity
order by 1)";

// Who owns the schema may drop what is in it.
constexpr const char* select_schema_owner = R"(
select r.rolname
from pg_namespace n join pg_class c on c.relnamespace = n.oid
join pg_roles r on r.oid = case when n.nspowner = 'pg_database_owner'::regrole
                             then (select d.datdba from pg_database d where d.datname = current_database())
                             else n.nspowner end
where c.oid = $1::regclass and not r.rolsuper and r.oid <> c.relowner)";

base::Status check_foreign(pg::Connection& destination, const std::string& changes,
                           Findings& findings) {
  TRY_ASSIGN(pg::Rows rights, destination.query(select_foreign_rights, {changes}));
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
  TRY_ASSIGN(pg::Rows code, destination.query(select_foreign_code, {changes}));
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
  if (!reads.truth(0, 0)) return {};
  TRY(check_roles(destination, findings));
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

}  // namespace setup
