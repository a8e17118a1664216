// SPDX-License-Identifier: LGPL-3.0-or-later
#include "serve/lockout.hpp"

#include <gtest/gtest.h>

#include "serve/limits.hpp"

namespace bemi::serve {
namespace {

const Lockout::Clock::time_point start{};

void guess(Lockout& lockout, const std::string& who, int times,
           Lockout::Clock::time_point at = start) {
  for (int i = 0; i < times; ++i) lockout.note_failure(who, at);
}

TEST(Lockout, HoldsAnAddressWithTooManyGuessesForAWhile) {
  Lockout lockout;
  guess(lockout, "192.0.2.1", login_failures_max - 1);
  EXPECT_FALSE(lockout.holds("192.0.2.1", start));
  guess(lockout, "192.0.2.1", 1);
  EXPECT_TRUE(lockout.holds("192.0.2.1", start));
  EXPECT_TRUE(lockout.holds("::ffff:192.0.2.1", start));
  EXPECT_FALSE(lockout.holds("192.0.2.2", start));
  EXPECT_FALSE(lockout.holds("192.0.2.1", start + login_failures_window * 2));
}

TEST(Lockout, HoldsUntilItsWindowIsOver) {
  constexpr std::chrono::nanoseconds moment{1};
  Lockout lockout;
  guess(lockout, "192.0.2.1", login_failures_max);
  EXPECT_TRUE(lockout.holds("192.0.2.1", start + login_failures_window));
  EXPECT_FALSE(lockout.holds("192.0.2.1", start + login_failures_window + moment));
  // The failures before are forgotten.
  guess(lockout, "192.0.2.1", 1, start + login_failures_window + moment);
  EXPECT_FALSE(lockout.holds("192.0.2.1", start + login_failures_window + moment));
}

TEST(Lockout, CountsAFailureAtTheEndOfItsWindow) {
  Lockout lockout;
  guess(lockout, "192.0.2.1", login_failures_max - 1);
  guess(lockout, "192.0.2.1", 1, start + login_failures_window);
  EXPECT_TRUE(lockout.holds("192.0.2.1", start + login_failures_window));
}

TEST(Lockout, BeginsAnewAfterItsWindow) {
  Lockout lockout;
  guess(lockout, "a name", login_failures_max - 1);
  guess(lockout, "a name", 1, start + login_failures_window * 2);
  EXPECT_FALSE(lockout.holds("a name", start + login_failures_window * 2));
}

TEST(Lockout, TreatsANetworkOfIpv6AsOneAddress) {
  Lockout lockout;
  for (int i = 0; i < login_failures_max; ++i) {
    lockout.note_failure("2001:db8:1:2::" + std::to_string(i), start);
  }
  EXPECT_TRUE(lockout.holds("2001:db8:1:2:ffff::9", start));
  EXPECT_FALSE(lockout.holds("2001:db8:1:3::1", start));
}

TEST(Lockout, IsNotFloodedAway) {
  Lockout lockout;
  guess(lockout, "guesser", login_failures_max, start + std::chrono::seconds(1));
  lockout.note_failure("the first", start);
  for (std::size_t i = 0; i < guessers_max + 100; ++i) {
    lockout.note_failure("flood " + std::to_string(i), start + std::chrono::seconds(2));
    if (i == guessers_max / 2) {
      EXPECT_TRUE(lockout.holds("guesser", start + std::chrono::seconds(2)));
    }
  }
  // An attacker with that many addresses has as many guesses anyway.
  EXPECT_FALSE(lockout.holds("flood 1", start + std::chrono::seconds(2)));
}

}  // namespace
}  // namespace bemi::serve
