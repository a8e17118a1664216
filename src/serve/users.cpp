// SPDX-License-Identifier: LGPL-3.0-or-later
#include "serve/users.hpp"

#include <algorithm>
#include <cctype>
#include <string_view>

#include "serve/passwords.hpp"

namespace bemi::serve {
namespace {

constexpr std::size_t name_bytes_max = 800;

bool is_same(std::string_view a, std::string_view b) {
  return std::ranges::equal(a, b, [](unsigned char one, unsigned char other) {
    return std::tolower(one) == std::tolower(other);
  });
}

base::Status validate(const NewUser& user) {
  if (user.name.empty() || user.name.size() > name_bytes_max || user.name.contains('/')) {
    return base::fail(base::ErrorKind::usage,
                      "a user's name has 1 to 200 characters, and no slash");
  }
  if (!user.password) return {};
  std::size_t size = user.password->size();
  if (size < password_bytes_min || size > password_bytes_max) {
    return base::fail(base::ErrorKind::usage, "a password has 10 to 1024 characters",
                      "a sentence is easier to keep in mind than odd characters");
  }
  if (is_same(*user.password, user.name)) {
    return base::fail(base::ErrorKind::usage, "the password is the name", "choose another one");
  }
  return {};
}

}  // namespace

base::Result<std::string> Users::list() {
  TRY_ASSIGN(auto connection, destination_->reader());
  TRY_ASSIGN(pg::Rows rows, connection->run(R"(
select coalesce(json_agg(json_build_object('name', name, 'role', role, 'has_password', password is not null,
    'created_at', created_at, 'changed_at', changed_at) order by name), '[]') from _bemi.dashboard_user)"));
  return rows.text(0, 0);
}

base::Result<std::optional<std::string>> Users::hash_of(const std::string& name) {
  TRY_ASSIGN(auto connection, destination_->reader());
  TRY_ASSIGN(
      pg::Rows rows,
      connection->query("select password from _bemi.dashboard_user where name = $1", {name}));
  if (rows.empty() || !rows.get(0, 0)) return std::nullopt;
  return rows.text(0, 0);
}

base::Status Users::set(const NewUser& user) {
  TRY(validate(user));
  auto hash = user.password ? pg::Parameter(password_hash(*user.password)) : std::nullopt;
  TRY_ASSIGN(pg::Connection connection, destination_->writer());
  TRY(connection.query(
      "with sessions as (delete from _bemi.login_session where name = $1) "
      "insert into _bemi.dashboard_user (name, role, password) values ($1, $2, $3) "
      "on conflict (name) do update set role = excluded.role, changed_at = now(), "
      "password = coalesce(excluded.password, dashboard_user.password)",
      {user.name, std::string(name(user.role)), hash}));
  return {};
}

base::Result<bool> Users::remove(const std::string& name) {
  TRY_ASSIGN(pg::Connection connection, destination_->writer());
  TRY_ASSIGN(pg::Rows rows,
             connection.query("with sessions as (delete from _bemi.login_session where name = $1) "
                              "delete from _bemi.dashboard_user where name = $1",
                              {name}));
  return rows.affected() > 0;
}

base::Result<std::optional<Role>> Users::check(const std::string& name,
                                               const std::string& password) {
  std::optional<std::string> hash;
  std::optional<Role> role;
  {
    TRY_ASSIGN(auto connection, destination_->reader());
    TRY_ASSIGN(pg::Rows rows,
               connection->query("select password, role from _bemi.dashboard_user where name = $1",
                                 {name}));
    if (!rows.empty() && rows.get(0, 0)) {
      hash = rows.text(0, 0);
      role = read_role(rows.text(0, 1));
    }
  }
  if (!is_password(hash, password)) return std::nullopt;
  return role;
}

base::Status Users::change_password(const PasswordChange& change) {
  TRY(validate({.name = change.name, .role = Role::viewer, .password = change.new_password}));
  TRY_ASSIGN(std::optional<std::string> hash, hash_of(change.name));
  if (!hash) {
    return base::fail(base::ErrorKind::conflict, "there is no password to change",
                      "you signed in with a token or through a proxy; only people who sign in by "
                      "name have a password");
  }
  if (!is_password(hash, change.old_password)) {
    return base::fail(base::ErrorKind::permission, "the old password is another one");
  }
  TRY_ASSIGN(pg::Connection connection, destination_->writer());
  // Unless somebody else changed it meanwhile.
  TRY_ASSIGN(
      pg::Rows rows,
      connection.query(
          "with changed as (update _bemi.dashboard_user set password = $2, changed_at = now() "
          "where name = $1 and password = $3 returning name), "
          "ended as (delete from _bemi.login_session where name in (select name from changed) "
          "and hash <> $4) select name from changed",
          {change.name, password_hash(change.new_password), *hash, change.kept_session}));
  if (!rows.empty()) return {};
  return base::fail(base::ErrorKind::conflict, "somebody changed it at the same time",
                    "ask an admin for another one");
}

base::Result<std::optional<Role>> Users::role_of(const std::string& name) {
  TRY_ASSIGN(auto connection, destination_->reader());
  TRY_ASSIGN(pg::Rows rows,
             connection->query("select role from _bemi.dashboard_user where name = $1", {name}));
  if (rows.empty()) return std::nullopt;
  return read_role(rows.text(0, 0));
}

}  // namespace bemi::serve
