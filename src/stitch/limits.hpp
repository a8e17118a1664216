// SPDX-License-Identifier: LGPL-3.0-or-later
//
// The limits of signed contexts.
#pragma once

#include <cstddef>
#include <cstdint>

namespace bemi::stitch::limits {

// How far the clocks of an application and its database may be apart.
inline constexpr std::int64_t signing_tolerance_us = 300'000'000;

// A transaction may be open for so long between a message and its commit. For that time, the
// numbers that sessions have used are kept.
inline constexpr std::int64_t signature_age_max_us = 86'400'000'000;

// Sessions (connections of the application) in memory, about 200 bytes each. Of those beyond, what
// was signed before they were forgotten is not believed.
inline constexpr std::size_t sessions_max = 100'000;

// One transaction is of one connection. More sessions are somebody's who says again what others
// said.
inline constexpr std::size_t sessions_per_transaction_max = 200;

// The commits by which the time of a place in the WAL is known: one in ten seconds, of a day.
inline constexpr std::int64_t commit_interval_us = 10'000'000;
inline constexpr std::size_t commits_max = 10'000;

}  // namespace bemi::stitch::limits
