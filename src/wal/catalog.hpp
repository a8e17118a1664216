// SPDX-License-Identifier: LGPL-3.0-or-later
//
// The catalog of the source: what the stream does not say of a relation, and the relation of a
// table that is read without a stream.
#pragma once

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "change/relation.hpp"
#include "change/type.hpp"
#include "pg/connection.hpp"

namespace bemi::wal {

// A commit is in the WAL a moment before other sessions see it: waits (a second at most) until the
// catalog shows what this transaction did.
base::Status wait_until_visible(pg::Connection& source, std::uint64_t transaction_id);

// Gives every column its type. Types that were dropped meanwhile count as text. `types` learns what
// it looks up.
base::Status resolve_types(pg::Connection& source, change::Relation& relation,
                           change::TypeCatalog& types);

// A table's present properties that the stream does not send.
struct CatalogEntry {
  bool exists = false;
  std::vector<std::string> primary_key;              // in key order
  std::vector<std::string> generated;                // columns, published or not
  std::vector<change::Oid> leaves;                   // of a partitioned table, sorted
  std::vector<std::pair<std::string, int>> numbers;  // of all columns
};
base::Result<CatalogEntry> look_up(pg::Connection& source, change::Oid oid);

// The table that a partition is, at last, a part of; 0 when it is none.
base::Result<change::Oid> root_of(pg::Connection& source, change::Oid oid);

// A column that has the values of another one: `of` the same table (`relation` 0) it is generated
// from, or of the table that its own inherits from.
struct ColumnTie {
  std::string column;
  std::string of;
  change::Oid relation = 0;
  int number = 0;  // of `of`
  std::string schema;
  std::string table;
};
base::Result<std::vector<ColumnTie>> column_ties(pg::Connection& source, change::Oid oid);

// The columns' types as SQL writes them: "numeric(10,2)".
base::Result<std::vector<std::string>> type_texts(pg::Connection& source,
                                                  const change::Relation& relation);

// The columns that the stream would send, without types and key.
base::Result<change::Relation> read_relation(pg::Connection& source, change::Oid oid);

}  // namespace bemi::wal
