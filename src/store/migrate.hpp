// SPDX-License-Identifier: LGPL-3.0-or-later
//
// Brings the destination's schema to this program's version. Idempotent; one transaction, under
// a lock, so that two workers starting at once do not race.
#pragma once

#include <string>
#include <vector>

#include "pg/connection.hpp"

namespace bemi::store {

enum class PartitionBy { day, week, month };
base::Result<PartitionBy> parse_partition_by(const std::string& text);
std::string name(PartitionBy by);

struct DestinationSettings {
  std::string schema = "public";
  PartitionBy partition_by = PartitionBy::month;
};

// The statements that migrate() would run now; empty when nothing is to be done.
// Errors: conflict when a relation "changes" of another owner (a foreign table, say) is in the
// way: it is never touched; unsupported when the destination is of a newer Bemi or PostgreSQL < 14.
base::Result<std::vector<std::string>> pending_migrations(pg::Connection& destination,
                                                          const DestinationSettings& settings);
base::Status migrate(pg::Connection& destination, const DestinationSettings& settings);

// Drops the history and everything of Bemi's in the destination. Error of kind conflict, and
// nothing is dropped, while somebody else's tables are in the schema `bemi`.
base::Status may_drop_history(pg::Connection& destination);
base::Status drop_history(pg::Connection& destination);

}  // namespace bemi::store
