// SPDX-License-Identifier: LGPL-3.0-or-later
//
// A relation as a row of _bemi.relation_version.
#pragma once

#include <string>
#include <vector>

#include "base/clock.hpp"
#include "change/lsn.hpp"
#include "change/relation.hpp"
#include "pg/connection.hpp"

namespace bemi::store {

// Inserts only what differs from the newest version known.
extern const char* const insert_relation_version;
// From where on it holds.
struct RelationPlace {
  std::string source;
  int epoch = 0;
  change::Lsn position;
  std::uint32_t sequence = 0;
  base::Timestamp effective_at;
};
std::vector<pg::Parameter> relation_version_parameters(const change::Relation& relation,
                                                       const RelationPlace& place);

// The newest version of each relation.
base::Result<std::vector<change::Relation>> load_relations(pg::Connection& destination,
                                                           const std::string& source);

// Each that ever had redacted columns, by OID, with those columns and its leaves alone.
base::Result<std::vector<change::Relation>> load_redacted(pg::Connection& destination,
                                                          const std::string& source);

}  // namespace bemi::store
