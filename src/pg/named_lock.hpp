// SPDX-License-Identifier: LGPL-3.0-or-later
//
// A lock by name, held by one session of a database. Any role may take any advisory lock, so
// anybody could keep a lock of a fixed number from us. A session therefore takes a random number
// that belongs to the name, which nobody can have taken before, and checks who else holds one. Only
// roles with a certain right count.
#pragma once

#include <string>
#include <vector>

#include "pg/connection.hpp"

namespace bemi::pg {

struct LockName {
  std::string name;
  std::string right;  // SQL: whether a session of the role `session.usesysid` counts
};

// Roles that may update a table count.
std::string may_update(const std::string& table);

// True when another session has one of the names.
base::Result<bool> is_held(Connection& connection, const std::vector<LockName>& names);
base::Result<bool> is_held_by(Connection& connection, const std::string& name,
                              const std::string& process);

// Takes a number of the name, even if others hold one.
base::Status announce(Connection& connection, const std::string& name);

// For as long as the connection, or until unlock(). False while another session has the name or one
// of `others`; of two that try at once, both may get false.
base::Result<bool> try_lock(Connection& connection, const LockName& name,
                            std::vector<LockName> others = {});
base::Status unlock(Connection& connection, const std::string& name);

}  // namespace bemi::pg
