// SPDX-License-Identifier: LGPL-3.0-or-later
//
// Which relations of a database are the application's: not the server's, an extension's, a part of
// another table, nor Bemi's own (its schemas, a history, a copy of the past).
#pragma once

#include <string>

#include "pg/connection.hpp"

namespace bemi::wal {

// Their OIDs as a JSON array. `kinds`: letters of pg_class.relkind, "rp" for tables, "S" for
// sequences. A role that may not read what Bemi notes on the source takes copies for the
// application's.
base::Result<std::string> application_relations(pg::Connection& source, const std::string& kinds);

}  // namespace bemi::wal
