// SPDX-License-Identifier: LGPL-3.0-or-later
//
// The roles of a history (contracts/history/functions/roles.sql, docs/reference/rights.md): made
// where the role that prepares it may make roles, recorded in _bemi.role.
#pragma once

#include <map>
#include <string>

#include "pg/connection.hpp"

namespace bemi::store {

// Role names by purpose: "owner", "writer", ...; empty if none were made, or if there is no
// history.
base::Result<std::map<std::string, std::string>> roles_of(pg::Connection& destination);

// Whether this session's role could make those of a history in that schema, and they are not there.
base::Result<bool> may_make_roles(pg::Connection& destination, const std::string& schema);

// From here on the session acts as the history's owner, where it may: what it makes is the owner's,
// and no code that runs meanwhile has an administrator's rights. `local`: until the transaction
// ends.
base::Status become_owner(pg::Connection& destination, bool local = false);

// Whether this session's role owns the history, or is a member of its owner.
base::Result<bool> is_owner(pg::Connection& destination);

// After the history went. One that others use is left.
void drop_roles(pg::Connection& admin, const std::map<std::string, std::string>& roles);

}  // namespace bemi::store
