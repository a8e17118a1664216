// SPDX-License-Identifier: LGPL-3.0-or-later
#include "base/clock.hpp"

#include <chrono>

#include <fmt/format.h>

namespace bemi::base {

Timestamp Timestamp::now() {
  auto since = std::chrono::system_clock::now().time_since_epoch();
  return {std::chrono::duration_cast<std::chrono::microseconds>(since).count()};
}

namespace {

struct Date {
  std::int64_t year;
  int month;
  int day;
};

// Days since 1970-01-01 to the proleptic Gregorian date; std::chrono's year is 16 bits wide and
// PostgreSQL's years go to 294276.
Date date_of(std::int64_t days) {
  std::int64_t shifted = days + 719'468;
  std::int64_t era = (shifted >= 0 ? shifted : shifted - 146'096) / 146'097;
  std::int64_t day_of_era = shifted - era * 146'097;
  std::int64_t year_of_era =
      (day_of_era - day_of_era / 1460 + day_of_era / 36'524 - day_of_era / 146'096) / 365;
  std::int64_t day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
  std::int64_t month_index = (5 * day_of_year + 2) / 153;
  int day = static_cast<int>(day_of_year - (153 * month_index + 2) / 5 + 1);
  int month = static_cast<int>(month_index < 10 ? month_index + 3 : month_index - 9);
  return {year_of_era + era * 400 + (month <= 2 ? 1 : 0), month, day};
}

}  // namespace

std::string format(Timestamp time) {
  constexpr std::int64_t day_us = 86'400'000'000;
  std::int64_t days = time.unix_us / day_us;
  std::int64_t rest = time.unix_us % day_us;
  if (rest < 0) {
    rest += day_us;
    --days;
  }
  Date date = date_of(days);
  bool before_christ = date.year <= 0;
  std::int64_t seconds = rest / 1'000'000;
  return fmt::format("{:04}-{:02}-{:02} {:02}:{:02}:{:02}.{:06}+00{}",
                     before_christ ? 1 - date.year : date.year, date.month, date.day,
                     seconds / 3600, seconds / 60 % 60, seconds % 60, rest % 1'000'000,
                     before_christ ? " BC" : "");
}

}  // namespace bemi::base
