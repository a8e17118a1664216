// SPDX-License-Identifier: LGPL-3.0-or-later
#include "store/own_schema.hpp"

#include "store/sql.hpp"

namespace bemi::store {
namespace {}  // namespace

base::Status check_own_schema(pg::Connection& connection) {
  TRY_ASSIGN(pg::Rows foreign, connection.run(sql::foreign_objects));
  if (foreign.empty()) return {};
  return base::fail(base::ErrorKind::conflict,
                    foreign.text(0, 0) + " belongs to " + foreign.text(0, 1) +
                        ", and not to Bemi: nothing was done",
                    "whoever owns it could act with Bemi's rights: drop or rename it; if it is "
                    "Bemi's own, run bemi "
                    "as that role, or hand it over: alter ... owner to " +
                        pg::quote_identifier(connection.user()));
}

}  // namespace bemi::store
