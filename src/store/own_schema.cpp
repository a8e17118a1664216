// SPDX-License-Identifier: LGPL-3.0-or-later
#include "store/own_schema.hpp"

#include "store/sql.hpp"

namespace bemi::store {
namespace {}  // namespace

base::Status check_own_schema(pg::Connection& connection) {
  TRY_ASSIGN(pg::Rows foreign, connection.run(sql::foreign_objects));
  if (foreign.empty()) return {};
  return std::unexpected(foreign_owner(foreign.text(0, 0), foreign.text(0, 1), connection.user()));
}

base::Error foreign_owner(const std::string& what, const std::string& owner,
                          const std::string& us) {
  return {base::ErrorKind::conflict,
          what + " belongs to " + owner + ", who could act with the rights of " + us +
              ": nothing was done",
          "look at its contents, and drop or rename it; if it is Bemi's own, run this as " + owner +
              ", or hand it over: alter ... owner to " + pg::quote_identifier(us),
          {}};
}

}  // namespace bemi::store
