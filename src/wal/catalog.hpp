// SPDX-License-Identifier: LGPL-3.0-or-later
//
// The catalog of the source: what the stream does not say of a relation, and the relation of a
// table that is read without a stream.
#pragma once

#include <cstdint>

#include "change/relation.hpp"
#include "change/type.hpp"
#include "pg/connection.hpp"

namespace wal {

// A commit is in the WAL a moment before other sessions see it: waits (a second at most) until the
// catalog shows what this transaction did.
base::Status wait_until_visible(pg::Connection& source, std::uint64_t transaction_id);

// Gives every column its type and finds the primary key's columns, by name. Types that were
// dropped meanwhile count as text. `types` learns what it looks up.
base::Status describe(pg::Connection& source, change::Relation& relation,
                      change::TypeCatalog& types);

// The columns that the stream would send: no dropped and no generated ones. Not described yet.
base::Result<change::Relation> read_relation(pg::Connection& source, change::Oid oid);

}  // namespace wal
