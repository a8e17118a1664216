// SPDX-License-Identifier: LGPL-3.0-or-later
#include "setup/provision.hpp"

#include <sys/random.h>

#include <array>

#include <fmt/format.h>

#include "base/limits.hpp"

namespace bemi::setup {
namespace {

constexpr const char* select_names = R"(
select exists (select from pg_database where datname = $1),
       exists (select from pg_roles where rolname = $2),
       coalesce((select rolsuper or rolname = current_user from pg_roles where rolname = $2), false))";

constexpr const char* select_rights = R"(
select rolsuper or rolcreatedb, rolsuper or rolcreaterole from pg_roles where rolname = current_user)";

// True if the role may create there already, as every role may before 15.
constexpr const char* select_public = "select has_schema_privilege($1, 'public', 'create')";

constexpr const char* select_may_write = R"(
select has_database_privilege(current_database(), 'create') and has_schema_privilege('public', 'create'))";

struct Names {
  std::string database;
  std::string role;
  bool has_database = false;
  bool has_role = false;
  bool is_powerful = false;  // a superuser's role, or the administrator's own
};

base::Status may_be_name(const std::string& name, const char* whose) {
  bool good = !name.empty() && name.size() <= base::limits::name_bytes_max && !name.contains('\0');
  if (good) return {};
  return base::fail(base::ErrorKind::usage, fmt::format("the name of the new {} has 1 to {} bytes",
                                                        whose, base::limits::name_bytes_max));
}

base::Result<Names> look(pg::Connection& admin, const NewDestination& wanted) {
  Names names{.database = wanted.database,
              .role = wanted.role.empty() ? wanted.database : wanted.role};
  TRY(may_be_name(names.database, "database"));
  TRY(may_be_name(names.role, "role"));
  TRY_ASSIGN(pg::Rows there, admin.query(select_names, {names.database, names.role}));
  names.has_database = there.truth(0, 0);
  names.has_role = there.truth(0, 1);
  names.is_powerful = there.truth(0, 2);
  return names;
}

Finding finding_of(const std::string& subject, bool is_there, bool takes_over, const char* taken) {
  if (!is_there) return {Severity::ok, subject, "will be made", ""};
  if (takes_over) return {Severity::info, subject, taken, ""};
  return {Severity::error, subject, "is there already",
          "choose another name, or say that it is to be used"};
}

std::vector<Finding> findings_of(const Names& names, bool takes_over) {
  std::vector<Finding> findings{finding_of("database " + names.database, names.has_database,
                                           takes_over, "is there already, and will be used")};
  findings.push_back(names.is_powerful
                         ? Finding{Severity::error, "role " + names.role,
                                   "is an administrator's: a worker has no need of its rights",
                                   "choose another name"}
                         : finding_of("role " + names.role, names.has_role, takes_over,
                                      "is there already, and will get another password"));
  return findings;
}

base::Result<std::vector<Finding>> findings_of_rights(pg::Connection& admin, const Names& names) {
  std::vector<Finding> findings;
  TRY_ASSIGN(pg::Rows may, admin.run(select_rights));
  std::string self = pg::quote_identifier(admin.user());
  if (!names.has_database && !may.truth(0, 0)) {
    findings.push_back({Severity::error, "role " + admin.user(), "may not make databases",
                        fmt::format("alter role {} createdb", self)});
  }
  if (!may.truth(0, 1)) {
    findings.push_back({Severity::error, "role " + admin.user(), "may not make roles",
                        fmt::format("alter role {} createrole", self)});
  }
  return findings;
}

base::Result<std::vector<Finding>> findings_of_all(pg::Connection& admin, const Names& names,
                                                   bool takes_over) {
  std::vector<Finding> findings = findings_of(names, takes_over);
  TRY_ASSIGN(std::vector<Finding> of_rights, findings_of_rights(admin, names));
  findings.insert(findings.end(), of_rights.begin(), of_rights.end());
  return findings;
}

// 256 bits, in letters that no URL has to escape.
base::Result<std::string> new_password() {
  std::array<unsigned char, 32> bytes{};
  if (getrandom(bytes.data(), bytes.size(), 0) != static_cast<ssize_t>(bytes.size())) {
    return base::fail(base::ErrorKind::internal, "the system gives no random bytes");
  }
  std::string text;
  for (unsigned char byte : bytes) text += fmt::format("{:02x}", byte);
  return text;
}

// Objects made by us, dropped again when a later step fails.
struct Made {
  bool role = false;
  bool database = false;
};

base::Status make_role(pg::Connection& admin, const Names& names, const std::string& password,
                       Made& made) {
  TRY_ASSIGN(std::string verifier, admin.encrypt_password(names.role, password));
  TRY(admin.run(fmt::format("{} role {} login password {}", names.has_role ? "alter" : "create",
                            pg::quote_identifier(names.role), pg::quote_literal(verifier))));
  made.role = !names.has_role;
  return {};
}

base::Status make_database(pg::Connection& admin, const Names& names, Made& made) {
  if (names.has_database) return {};
  TRY(admin.run(fmt::format("create database {} template template0 encoding 'UTF8'",
                            pg::quote_identifier(names.database))));
  made.database = true;
  // Nobody else on that server is to read the history.
  TRY(admin.run(
      fmt::format("revoke all on database {} from public", pg::quote_identifier(names.database))));
  return {};
}

// The checks of a destination by `bemi check`. Within the database: its schemas are only there.
base::Status grant(pg::Connection& admin, const NewDestination& wanted, const Names& names) {
  TRY_ASSIGN(std::string url, pg::url_in_database(wanted.admin_url, names.database));
  TRY_ASSIGN(
      pg::Connection inside,
      pg::Connection::open({.url = url, .purpose = "bemi/admin", .interrupt = admin.interrupt()}));
  std::string role = pg::quote_identifier(names.role);
  TRY(inside.run(fmt::format("grant connect, create, temporary on database {} to {}",
                             pg::quote_identifier(names.database), role)));
  TRY_ASSIGN(pg::Rows may, inside.query(select_public, {names.role}));
  if (!may.truth(0, 0)) {
    TRY(inside.run(fmt::format("grant usage, create on schema public to {}", role)));
  }
  return {};
}

// PostgreSQL only warns if a role grants rights on an object that it does not own.
base::Status try_it(pg::Connection& admin, const std::string& url) {
  auto tried = pg::Connection::open(
      {.url = url, .purpose = "bemi/check", .read_only = true, .interrupt = admin.interrupt()});
  if (!tried) return std::unexpected(tried.error().within("as the new role"));
  TRY_ASSIGN(pg::Rows may, tried->run(select_may_write));
  if (may.truth(0, 0)) return {};
  return base::fail(base::ErrorKind::permission,
                    tried->user() + " may not make a history in " + tried->database(),
                    "the database's owner grants it: create on the database and on schema public");
}

base::Result<std::string> make(pg::Connection& admin, const NewDestination& wanted,
                               const Names& names, Made& made) {
  TRY_ASSIGN(std::string password, new_password());
  TRY(make_role(admin, names, password, made));
  TRY(make_database(admin, names, made));
  TRY(grant(admin, wanted, names));
  TRY_ASSIGN(std::string url, pg::url_with_login(wanted.admin_url, {.user = names.role,
                                                                    .password = password,
                                                                    .database = names.database}));
  TRY(try_it(admin, url));
  return url;
}

void take_back(pg::Connection& admin, const Names& names, const Made& made) {
  if (made.database) {
    (void)admin.run("drop database if exists " + pg::quote_identifier(names.database));
  }
  if (made.role) (void)admin.run("drop role if exists " + pg::quote_identifier(names.role));
}

}  // namespace

base::Result<std::vector<Finding>> check_provision(pg::Connection& admin,
                                                   const NewDestination& wanted) {
  TRY_ASSIGN(Names names, look(admin, wanted));
  return findings_of_all(admin, names, wanted.takes_over);
}

base::Result<std::string> provision(pg::Connection& admin, const NewDestination& wanted) {
  TRY_ASSIGN(Names names, look(admin, wanted));
  TRY_ASSIGN(std::vector<Finding> findings, findings_of_all(admin, names, wanted.takes_over));
  for (const Finding& finding : findings) {
    if (finding.severity != Severity::error) continue;
    return base::fail(base::ErrorKind::conflict, "the " + finding.subject + " " + finding.what,
                      finding.fix);
  }
  Made made;
  auto url = make(admin, wanted, names, made);
  if (url) return url;
  take_back(admin, names, made);
  return std::unexpected(url.error().within("cannot make the destination"));
}

}  // namespace bemi::setup
