// SPDX-License-Identifier: LGPL-3.0-or-later
#include "store/roles.hpp"

namespace bemi::store {
namespace {

// Before 15 everybody may create in public; a grant to the owner is then not needed, and not
// possible.
constexpr const char* select_may = R"(
select r.rolsuper or r.rolcreaterole
         and has_database_privilege(current_database(), 'create with grant option')
         and (has_schema_privilege($1, 'create with grant option') or exists (
           select from pg_namespace n cross join lateral aclexplode(n.nspacl) a
           where n.nspname = $1 and a.grantee = 0 and a.privilege_type = 'CREATE'))
         and coalesce((select c.relowner = r.oid from pg_class c where c.oid = to_regclass('_bemi.migration')), true)
from pg_roles r where r.rolname = current_user)";

constexpr const char* select_owner = R"(
select r.name from _bemi.role r
where r.purpose = 'owner' and r.name <> current_user and pg_has_role(current_user, to_regrole(quote_ident(r.name)), 'member'))";

constexpr const char* select_is_owner = R"(
select pg_has_role(current_user, c.relowner, 'usage')
from _bemi.destination d join pg_class c on c.oid = to_regclass(format('%I.changes', d.schema)))";

}  // namespace

base::Result<std::map<std::string, std::string>> roles_of(pg::Connection& destination) {
  std::map<std::string, std::string> roles;
  TRY_ASSIGN(pg::Rows there, destination.run("select to_regclass('_bemi.role') is not null"));
  if (!there.truth(0, 0)) return roles;
  TRY_ASSIGN(pg::Rows rows, destination.run("select purpose, name from _bemi.role"));
  for (int row = 0; row < rows.count(); ++row) roles[rows.text(row, 0)] = rows.text(row, 1);
  return roles;
}

base::Result<bool> may_make_roles(pg::Connection& destination, const std::string& schema) {
  TRY_ASSIGN(auto roles, roles_of(destination));
  if (!roles.empty()) return false;
  TRY_ASSIGN(pg::Rows schema_there,
             destination.query("select to_regnamespace(quote_ident($1)) is not null", {schema}));
  // One that is still to be made will be this role's.
  std::string asked = schema_there.truth(0, 0) ? schema : "pg_catalog";
  TRY_ASSIGN(pg::Rows may, destination.query(select_may, {asked}));
  return may.truth(0, 0);
}

base::Status become_owner(pg::Connection& destination, bool local) {
  TRY_ASSIGN(auto roles, roles_of(destination));
  if (roles.empty()) return {};
  TRY_ASSIGN(pg::Rows owner, destination.run(select_owner));
  if (owner.empty()) return {};
  TRY(destination.run((local ? "set local role " : "set role ") +
                      pg::quote_identifier(owner.text(0, 0))));
  return {};
}

base::Result<bool> is_owner(pg::Connection& destination) {
  TRY_ASSIGN(pg::Rows rows, destination.run(select_is_owner));
  return !rows.empty() && rows.truth(0, 0);
}

void drop_roles(pg::Connection& admin, const std::map<std::string, std::string>& roles) {
  for (const auto& [purpose, name] : roles) {
    std::string role = pg::quote_identifier(name);
    // Without superuser rights, only a member of the role takes its rights back.
    (void)admin.run("grant " + role + " to current_user; drop owned by " + role + "; drop role " +
                    role);
  }
}

}  // namespace bemi::store
