// SPDX-License-Identifier: LGPL-3.0-or-later
#include "cli/wait.hpp"

#include <gtest/gtest.h>

namespace bemi::cli {
namespace {

using namespace std::chrono_literals;

TEST(Wait, IsWrittenWithAUnitOrInSeconds) {
  EXPECT_EQ(parse_wait("30s"), 30s);
  EXPECT_EQ(parse_wait("30"), 30s);
  EXPECT_EQ(parse_wait("500ms"), 500ms);
  EXPECT_EQ(parse_wait("2m"), 2min);
  EXPECT_EQ(parse_wait("24h"), 24h);
  EXPECT_EQ(parse_wait("0"), 0s);
}

TEST(Wait, IsNothingElseAndNeverMoreThanADay) {
  for (const char* text : {"", "s", "-1s", "+1s", "1.5s", "1 s", "1d", "30 seconds", "25h", "86401",
                           "2147483647h", "99999999999999999999s", "1sms"}) {
    EXPECT_EQ(parse_wait(text), std::nullopt) << text;
  }
}

}  // namespace
}  // namespace bemi::cli
