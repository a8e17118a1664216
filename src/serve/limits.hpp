// SPDX-License-Identifier: LGPL-3.0-or-later
//
// Limits for one client, and for all clients together.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>

namespace bemi::serve {

// Requests that ask the database at the same time; each has a thread and a connection.
inline constexpr std::size_t workers = 6;
// Beyond so many that wait for one of those, the answer is 503 at once.
inline constexpr std::size_t waiting_max = 128;
// A password takes long to compare on purpose: on one thread, beside those; beyond so many, 429.
inline constexpr std::size_t sign_ins_waiting_max = 32;
// Answers that wait for slow readers. Beyond it, or beyond half of it for one address, the answer
// is 503.
inline constexpr std::size_t answer_bytes_max = 256UL << 20;
// At most; never more than a quarter of the files that the process may open, since the worker and
// the connections to the database need theirs. One address has half of these.
inline constexpr std::size_t connections_max = 2048;
inline constexpr std::size_t share_of_files = 4;
inline constexpr std::size_t share_of_connections = 2;
inline constexpr std::size_t share_of_bytes = 2;

inline constexpr std::size_t header_bytes_max = 16UL << 10;
inline constexpr std::size_t body_bytes_max = 1UL << 20;
// A request body's nested brackets, and the number of names in all its objects.
inline constexpr std::size_t json_depth_max = 64;
inline constexpr std::size_t json_members_max = 1000;
// For a request's head, from when it begins; then for its body.
inline constexpr std::chrono::seconds head_max{5};
inline constexpr std::chrono::seconds body_max{10};
// For the next request over the same connection to begin, and for a piece of an answer to leave.
inline constexpr std::chrono::seconds transfer_max{30};
// The database's time for one statement.
inline constexpr int statement_ms_max = 15'000;

inline constexpr std::int64_t page_changes_default = 50;
inline constexpr std::int64_t page_changes_max = 500;
inline constexpr std::int64_t past_rows_max = 1000;
// The rows in one answer about the past.
inline constexpr std::int64_t past_bytes_max = 16LL << 20;
// Live rows of a table from which a walk back starts: they are held in memory.
inline constexpr std::int64_t live_rows_max = 100'000;
inline constexpr std::int64_t export_page = 1000;

// A live stream in which nothing happens sends a line as often as this.
inline constexpr std::chrono::seconds live_keepalive{15};

inline constexpr std::size_t view_name_bytes_max = 800;
inline constexpr std::size_t view_address_bytes_max = 16'000;
inline constexpr int views_max = 500;  // of one person

inline constexpr int login_failures_max = 10;
inline constexpr std::chrono::minutes login_failures_window{1};
inline constexpr std::size_t guessers_max = 10'000;  // that are remembered
inline constexpr std::chrono::hours session_lifetime{24 * 7};
inline constexpr std::chrono::seconds identity_known_for{30};
inline constexpr std::size_t identities_max = 10'000;  // in the cache, which is then emptied
inline constexpr std::size_t readings_max = 10'000;    // that are remembered for an hour each
inline constexpr int sessions_max = 100;  // of one person: with the next the oldest ends

}  // namespace bemi::serve
