// SPDX-License-Identifier: LGPL-3.0-or-later
//
// Users: who may sign in by name, in `_bemi.dashboard_user`. Safe for many threads.
#pragma once

#include <optional>
#include <string>

#include "query/destination.hpp"
#include "serve/role.hpp"

namespace bemi::serve {

struct NewUser {
  std::string name;
  Role role = Role::viewer;
  std::optional<std::string> password;  // nullopt: the one that there is, or none
};

struct PasswordChange {
  std::string name;
  std::string old_password;
  std::string new_password;
  std::string kept_session;  // by its hash; the user's other sessions end
};

class Users {
 public:
  explicit Users(query::Destination& destination) : destination_(&destination) {}

  // [{"name", "role", "has_password", "created_at", "changed_at"}]
  base::Result<std::string> list();
  // Makes or changes one; whose sessions end. Errors of kind usage: a name or password that will
  // not do.
  base::Status set(const NewUser& user);
  // False: there was none.
  base::Result<bool> remove(const std::string& name);

  // The user with this password; nullopt: nobody. Slow on purpose.
  base::Result<std::optional<Role>> check(const std::string& name, const std::string& password);
  // Errors of kind permission: the old one is another; conflict: there is none to change; usage:
  // the new one will not do.
  base::Status change_password(const PasswordChange& change);
  base::Result<std::optional<Role>> role_of(const std::string& name);

 private:
  // nullopt: there is no such user, or they have none.
  base::Result<std::optional<std::string>> hash_of(const std::string& name);

  query::Destination* destination_;
};

}  // namespace bemi::serve
