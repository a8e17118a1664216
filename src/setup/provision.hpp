// SPDX-License-Identifier: LGPL-3.0-or-later
//
// Makes a destination: a database for histories, and a role that may write them and nothing else.
// `admin`: any role that may create databases and roles there; it is not kept.
#pragma once

#include <string>
#include <vector>

#include "setup/setup.hpp"

namespace bemi::setup {

struct NewDestination {
  std::string admin_url;  // any database of the server
  std::string database;
  std::string role;         // empty: as the database
  bool takes_over = false;  // what has these names already; its role gets another password
};

// Whether it could be made, as `bemi check` says it. Changes nothing.
base::Result<std::vector<Finding>> check_provision(pg::Connection& admin,
                                                   const NewDestination& wanted);

// The new role's URL, tried. What was made is taken away again when a later step fails.
base::Result<std::string> provision(pg::Connection& admin, const NewDestination& wanted);

}  // namespace bemi::setup
