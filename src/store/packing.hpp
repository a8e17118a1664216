// SPDX-License-Identifier: LGPL-3.0-or-later
//
// Rebuilds the indexes of a window that gets no more rows. An index that was filled in an order
// other than its own has half-empty pages; a rebuilt one has full pages.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "pg/connection.hpp"

namespace bemi::store {

struct LooseIndex {
  std::string name;  // in the schema of the history
  std::int64_t bytes = 0;
};

// Those that are worth it and not packed yet, by window (a partition's name): all at once, since
// there may be thousands of windows with none.
using LooseIndexes = std::map<std::string, std::vector<LooseIndex>>;
base::Result<LooseIndexes> loose_indexes(pg::Connection& destination, const std::string& schema);

// REINDEX CONCURRENTLY: neither readers nor writers wait; it waits for transactions that are open,
// and needs the room of the index a second time. What an earlier call left half made goes first.
base::Status pack(pg::Connection& destination, const std::string& schema, const std::string& window,
                  const std::vector<LooseIndex>& indexes);

}  // namespace bemi::store
