// SPDX-License-Identifier: LGPL-3.0-or-later
//
// Cuts a baseline into chunks, which readers share and which a later baseline need not repeat.
#pragma once

#include <cstdint>
#include <vector>

#include "pg/connection.hpp"
#include "store/baseline_writer.hpp"
#include "wal/tables.hpp"

namespace bemi::worker {

using Tables = std::vector<wal::Table>;

// Large enough that a chunk's commit costs little, small enough that little is read twice.
inline constexpr std::int64_t chunk_blocks = 1024;

struct Chunk {
  std::size_t table;
  std::vector<store::Piece> pieces;
};

struct BaselinePlan {
  std::vector<Chunk> chunks;
  std::vector<change::Lsn> from;  // of each table: the oldest of the snapshots that it is read in
};

// Without what is `done` already.
base::Result<BaselinePlan> plan_baseline(pg::Connection& source, const Tables& tables,
                                         const store::DonePieces& done, change::Lsn now,
                                         const std::string& publication);

}  // namespace bemi::worker
