// SPDX-License-Identifier: LGPL-3.0-or-later
#include "serve/readings.hpp"

#include <gtest/gtest.h>

#include "serve/limits.hpp"

namespace bemi::serve {
namespace {

using namespace std::chrono_literals;

constexpr Readings::Clock::time_point start{};

TEST(Readings, AreRecordedOnceAnHour) {
  Readings readings;
  EXPECT_TRUE(readings.is_first_in_hour("ann", "10.0.0.1", "changes", start));
  EXPECT_FALSE(readings.is_first_in_hour("ann", "10.0.0.1", "changes", start));
  EXPECT_FALSE(readings.is_first_in_hour("ann", "10.0.0.1", "changes", start + 1h - 1ns));
  EXPECT_TRUE(readings.is_first_in_hour("ann", "10.0.0.1", "changes", start + 1h));
  EXPECT_FALSE(readings.is_first_in_hour("ann", "10.0.0.1", "changes", start + 1h + 1ns));
}

// A reading that was left out does not move the hour on.
TEST(Readings, AreRecordedEachHourWhileSomebodyReadsAllTheTime) {
  Readings readings;
  int recorded = 0;
  for (auto at = 0min; at < 24h; ++at) {
    recorded += readings.is_first_in_hour("ann", "10.0.0.1", "changes", start + at) ? 1 : 0;
  }
  EXPECT_EQ(recorded, 24);
}

TEST(Readings, EachPersonPlaceAndKindHasAnHourOfItsOwn) {
  Readings readings;
  EXPECT_TRUE(readings.is_first_in_hour("ann", "10.0.0.1", "changes", start));
  EXPECT_TRUE(readings.is_first_in_hour("bob", "10.0.0.1", "changes", start));
  EXPECT_TRUE(readings.is_first_in_hour("ann", "10.0.0.2", "changes", start));
  EXPECT_TRUE(readings.is_first_in_hour("ann", "10.0.0.1", "archive", start));
  EXPECT_TRUE(readings.is_first_in_hour("ann1", "0.0.0.1", "changes", start));
  EXPECT_FALSE(readings.is_first_in_hour("bob", "10.0.0.1", "changes", start));
}

TEST(Readings, AreAllRecordedBeyondTheLimit) {
  Readings readings;
  for (std::size_t i = 0; i < readings_max; ++i) {
    EXPECT_TRUE(readings.is_first_in_hour(std::to_string(i), "peer", "changes", start));
    if (i % 1000 == 0) {
      EXPECT_FALSE(readings.is_first_in_hour(std::to_string(i), "peer", "changes", start));
    }
  }
  EXPECT_TRUE(readings.is_first_in_hour("0", "peer", "changes", start + 59min));
  EXPECT_TRUE(readings.is_first_in_hour("0", "peer", "changes", start + 1h));
  EXPECT_FALSE(readings.is_first_in_hour("0", "peer", "changes", start + 1h));
}

}  // namespace
}  // namespace bemi::serve
