// SPDX-License-Identifier: LGPL-3.0-or-later
//
// Reads a table without running its owner's code. A query of a view runs the view's functions.
// Planning a query of a table computes the constants in the expressions of its indexes, with the
// rights of the reader. COPY of a table plans nothing.
#pragma once

#include <string>
#include <string_view>

#include "pg/connection.hpp"

namespace bemi::pg {

// Locks the table against changes of shape, until the transaction's end. Error of kind
// serialization when the name is another relation's by now.
base::Status lock_table(Connection& connection, const std::string& oid,
                        const std::string& quoted_name);

// Whether the planner finds expressions at a table without partitions. Most have none, and a look
// at what those are made of locks forty catalogs and their indexes.
base::Result<bool> has_expressions(Connection& connection, const std::string& oid);

// The first function of a role with rights of its own that a query of the table, or of one of its
// partitions, may run, and whose it is; empty: there is none.
base::Result<std::string> foreign_code(Connection& connection, const std::string& oid);

// SQL that asks for the first partition of a relation that is a foreign table, by its quoted name;
// null: there is none. `oid`: an expression for the relation's oid.
std::string select_foreign_partition(std::string_view oid);

// A partition of the table that is a foreign table, quoted: a snapshot of the database shows its
// current rows, and no WAL has their changes. Empty: there is none.
base::Result<std::string> foreign_partition(Connection& connection, const std::string& oid);

}  // namespace bemi::pg
