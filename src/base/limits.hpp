// SPDX-License-Identifier: LGPL-3.0-or-later
//
// Every limit in one place, with its unit and its reason.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>

namespace bemi::base::limits {

// A transaction is held in memory up to here, beyond it in an unlinked temporary file. All the
// transactions being streamed at once share it.
inline constexpr std::size_t spool_memory_bytes_max = 8UL << 20;

// Bytes that wait between the threads. Together with the spool and one message in hand they bound
// the worker's memory.
inline constexpr std::size_t wal_queue_bytes_max = 4UL << 20;
inline constexpr std::size_t store_queue_bytes_max = 4UL << 20;

// One batch handed to the destination's thread: large enough to make a lock per batch cheap.
inline constexpr std::size_t batch_bytes_target = 128UL << 10;

// A destination transaction takes more source transactions until one of these; a crash repeats
// at most this much work.
inline constexpr std::size_t commit_bytes_target = 16UL << 20;
inline constexpr std::chrono::milliseconds commit_age_max{500};

// During a backlog, a connection stores this much before the next one gets its turn; each holds it
// in memory.
inline constexpr std::size_t turn_bytes_target = 2UL << 20;

// Number of fences that are answered at once; further ones wait for commit_age_max. Anybody may
// write one, and each answer costs a destination transaction.
inline constexpr int fences_at_once_per_second_max = 20;

// A connection waits at most so long for the commit before its own.
inline constexpr std::chrono::seconds turn_wait_max{30};

// The largest context message that is stored; larger ones are kept aside and counted.
inline constexpr std::size_t context_bytes_max = 1UL << 20;

// A larger one is stored once a transaction; each other change that has it keeps its small members.
inline constexpr std::size_t context_whole_bytes_max = 16UL << 10;
inline constexpr std::size_t context_small_bytes_max = 4UL << 10;
inline constexpr std::size_t context_member_bytes_max = 1UL << 10;

// jsonb and our scanner recurse; deeper contexts are kept aside.
inline constexpr int json_depth_max = 512;

// Messages that were refused and are kept to be looked at: of a source in an hour, and in
// all. What comes beyond is only counted.
inline constexpr std::int64_t refused_kept_per_hour_max = 500;
inline constexpr std::int64_t refused_bytes_per_hour_max = 8L << 20;
inline constexpr std::int64_t refused_kept_max = 10'000;
inline constexpr std::int64_t refused_bytes_max = 128L << 20;

// The most that jsonb may add to a text's length.
inline constexpr std::size_t json_growth_bytes_max = 1UL << 20;

// A message that tells of DDL. A table of 1,664 columns of composite types stays below it; what is
// larger is looked up in the catalog instead. Types nest in it, three levels of JSON each.
inline constexpr std::size_t schema_message_bytes_max = 1UL << 20;
inline constexpr int schema_message_depth_max = 64;
// A table's columns as they are stored: what was told, and the values of rows from before them.
inline constexpr std::size_t relation_note_bytes_max = 64UL << 20;
// The longest key that names its row by its whole text: with the source's and the table's names it
// fits into every index of the history.
inline constexpr std::size_t key_bytes_max = 2'000;
// PostgreSQL's own: MaxHeapAttributeNumber, and NAMEDATALEN less its zero.
inline constexpr std::size_t columns_max = 1664;
inline constexpr std::size_t name_bytes_max = 63;
// One command can touch thousands of tables; what is told beyond is not believed.
inline constexpr std::size_t schema_messages_per_transaction_max = 20'000;

// A type of more parts than this, or nested deeper, is read as text: its parts would be written out
// with every version of every table that has it, and a few nested types make millions.
inline constexpr std::size_t type_parts_max = 2'000;
inline constexpr int type_depth_max = 16;

static_assert(batch_bytes_target < store_queue_bytes_max);
static_assert(store_queue_bytes_max <= commit_bytes_target);

}  // namespace bemi::base::limits
