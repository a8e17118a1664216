// SPDX-License-Identifier: LGPL-3.0-or-later
//
// Compares the tables' shapes in the history with the catalog: without event triggers, DDL that no
// change follows leaves no trace in the stream.
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
