// SPDX-License-Identifier: LGPL-3.0-or-later
//
// Every limit in one place, with its unit and its reason.
#pragma once

#include <chrono>
#include <cstddef>

namespace base::limits {

// A transaction is held in memory up to here, beyond it in an unlinked temporary file. All the
// transactions being streamed at once share it.
inline constexpr std::size_t spool_memory_bytes_max = 8UL << 20;

// What waits between the threads. Together with the spool and one message in hand it bounds the
// worker's memory.
inline constexpr std::size_t wal_queue_bytes_max = 4UL << 20;
inline constexpr std::size_t store_queue_bytes_max = 4UL << 20;

// One batch handed to the destination's thread: large enough to make a lock per batch cheap.
inline constexpr std::size_t batch_bytes_target = 128UL << 10;

// A destination transaction takes more source transactions until one of these; a crash repeats
// at most this much work.
inline constexpr std::size_t commit_bytes_target = 16UL << 20;
inline constexpr std::chrono::milliseconds commit_age_max{500};

// Where changes pile up, a connection stores so much before the next one's turn; each holds it in
// memory.
inline constexpr std::size_t turn_bytes_target = 2UL << 20;

// A connection waits at most so long for the commit before its own.
inline constexpr std::chrono::seconds turn_wait_max{30};

// The largest context message that is stored; larger ones are kept aside and counted.
inline constexpr std::size_t context_bytes_max = 1UL << 20;

// jsonb and our scanner recurse; deeper contexts are kept aside.
inline constexpr int json_depth_max = 512;

static_assert(batch_bytes_target < store_queue_bytes_max);
static_assert(store_queue_bytes_max <= commit_bytes_target);

}  // namespace base::limits
