// SPDX-License-Identifier: LGPL-3.0-or-later
//
// SourceCatalog: what rendering asks of the source's catalog, which the stream does not say. An
// interface, so that what the stages decide can be tested by value.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "change/relation.hpp"
#include "change/type.hpp"
#include "pg/connection.hpp"
#include "wal/catalog.hpp"

namespace bemi::render {

class SourceCatalog {
 public:
  virtual ~SourceCatalog() = default;
  // The database's encoding: "UTF8".
  [[nodiscard]] virtual std::string server_encoding() const = 0;
  // Each as the function of this name in wal/catalog.hpp.
  virtual base::Status wait_until_visible(std::uint64_t transaction_id) = 0;
  virtual base::Status resolve_types(change::Relation& relation, change::TypeCatalog& types) = 0;
  virtual base::Result<wal::CatalogEntry> look_up(change::Oid oid) = 0;
  virtual base::Result<change::Oid> root_of(change::Oid oid) = 0;
  virtual base::Result<std::vector<wal::ColumnTie>> column_ties(change::Oid oid) = 0;
  virtual base::Result<std::vector<std::string>> type_texts(const change::Relation& relation) = 0;
  virtual base::Result<change::Relation> read_relation(change::Oid oid) = 0;
};

// The catalog of a server, over an ordinary connection that must outlive it.
std::unique_ptr<SourceCatalog> live_catalog(pg::Connection& source);

}  // namespace bemi::render
