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

// Until it remembers as many as it can.
void flood(Lockout& lockout, std::size_t known, Lockout::Clock::time_point at) {
  for (std::size_t i = known; i < guessers_max; ++i) {
    lockout.note_failure("flood " + std::to_string(i), at);
  }
}

TEST(Lockout, ForgetsTheOneThatBeganFirstAndNoOther) {
  constexpr std::chrono::seconds second{1};
  Lockout lockout;
  guess(lockout, "first", login_failures_max, start);
  guess(lockout, "second", login_failures_max, start + second);
  flood(lockout, 2, start + 2 * second);
  EXPECT_TRUE(lockout.holds("first", start + 2 * second));
  lockout.note_failure("second", start + 2 * second);  // known: it needs no room
  EXPECT_TRUE(lockout.holds("first", start + 2 * second));
  lockout.note_failure("one more", start + 2 * second);
  EXPECT_FALSE(lockout.holds("first", start + 2 * second));
  EXPECT_TRUE(lockout.holds("second", start + 2 * second));
  // An attacker with that many addresses has as many guesses anyway.
  guess(lockout, "first", login_failures_max, start + 3 * second);
  EXPECT_TRUE(lockout.holds("first", start + 3 * second));
  EXPECT_FALSE(lockout.holds("second", start + 3 * second));
}

TEST(Lockout, ForgetsTheExpiredInPlaceOfTheFirst) {
  constexpr std::chrono::nanoseconds moment{1};
  Lockout lockout;
  lockout.note_failure("expired", start);
  lockout.note_failure("expired too", start);
  guess(lockout, "held", login_failures_max, start + moment);
  flood(lockout, 3, start + 2 * moment);
  auto end = start + moment + login_failures_window;
  lockout.note_failure("one more", end);
  EXPECT_TRUE(lockout.holds("held", end));
  lockout.note_failure("another", end);
  EXPECT_TRUE(lockout.holds("held", end));
  lockout.note_failure("too many", end);
  EXPECT_FALSE(lockout.holds("held", end));
}

}  // namespace
}  // namespace bemi::serve
