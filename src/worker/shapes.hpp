// SPDX-License-Identifier: LGPL-3.0-or-later
//
// Where no event trigger tells of DDL, and no change follows it, the stream is silent: the tables'
// shapes in the history are compared with the catalog.
#pragma once

#include <vector>

#include "base/result.hpp"
#include "pg/connection.hpp"
#include "store/progress.hpp"
#include "wal/tables.hpp"

namespace bemi::worker {

inline constexpr const char* changed_unseen = "it changed, and no event trigger told of it";

// Tables that the history takes for whole, and that have other columns, another name or fewer
// partitions by now, or are gone.
base::Result<std::vector<wal::Table>> find_reshaped(pg::Connection& source,
                                                    pg::Connection& destination,
                                                    const store::Progress& progress);

}  // namespace bemi::worker
