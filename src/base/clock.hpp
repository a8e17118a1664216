// SPDX-License-Identifier: LGPL-3.0-or-later
//
// Timestamp: microseconds since the Unix epoch, UTC; PostgreSQL's own resolution.
#pragma once

#include <compare>
#include <cstdint>
#include <limits>
#include <string>

namespace bemi::base {

struct Timestamp {
  static constexpr std::int64_t epoch_offset_us = 946'684'800'000'000;  // 1970 to 2000

  std::int64_t unix_us = 0;

  auto operator<=>(const Timestamp&) const = default;

  static Timestamp now();
  // From the wire's microseconds since 2000-01-01 (manual, "Streaming Replication Protocol").
  // Times that do not fit become the greatest one.
  static constexpr Timestamp from_postgres_us(std::int64_t us) {
    constexpr std::int64_t most = std::numeric_limits<std::int64_t>::max();
    return {us > most - epoch_offset_us ? most : us + epoch_offset_us};
  }
  [[nodiscard]] constexpr std::int64_t postgres_us() const { return unix_us - epoch_offset_us; }
};

// "2026-11-23 17:09:14.123456+00": what timestamptz_in takes. Years 0001 to 294276, BC included.
std::string format(Timestamp time);

}  // namespace bemi::base
