// SPDX-License-Identifier: LGPL-3.0-or-later
//
// Partitions that were emptied by themselves: the history has their rows under the root's name, and
// the source says which of them a partition takes.
#pragma once

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "pg/connection.hpp"

namespace bemi::revert {

struct EmptiedPartition {
  std::string schema;
  std::string table;
  std::int64_t root = 0;   // its OID
  std::string constraint;  // SQL over `columns`: which rows it takes
  std::string columns;     // a record's definition
};

// Those of these tables (schema, table) that are partitions and whose rows can be told apart.
base::Result<std::vector<EmptiedPartition>> find_partitions(
    pg::Connection& source, const std::vector<std::pair<std::string, std::string>>& names);

}  // namespace bemi::revert
