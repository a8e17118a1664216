// SPDX-License-Identifier: LGPL-3.0-or-later
#include "pipeline/fence_answers.hpp"

#include <gtest/gtest.h>

namespace bemi::pipeline {
namespace {

using namespace std::chrono_literals;

constexpr FenceAnswers::Clock::time_point start = FenceAnswers::Clock::time_point{} + 24h;
constexpr auto just_committed = 0ms;

// Number of fences answered in a flood of one per millisecond.
int answered_in_flood(FenceAnswers& answers, std::chrono::milliseconds from,
                      std::chrono::milliseconds to) {
  int answered = 0;
  auto committed_at = start + from;
  for (auto at = from; at < to; ++at) {
    auto now = start + at;
    if (!answers.is_due(now, now - committed_at)) continue;
    ++answered;
    committed_at = now;
  }
  return answered;
}

TEST(FenceAnswers, TwentyAreAnsweredAtOnceInASecond) {
  FenceAnswers answers;
  for (int fence = 1; fence <= 20; ++fence) EXPECT_TRUE(answers.is_due(start, just_committed));
  EXPECT_FALSE(answers.is_due(start, just_committed));
  EXPECT_FALSE(answers.is_due(start + 999ms, just_committed));
  EXPECT_TRUE(answers.is_due(start + 1s, just_committed));
}

TEST(FenceAnswers, TheNextSecondBeginsAtItsFirstFence) {
  FenceAnswers answers;
  for (int fence = 1; fence <= 21; ++fence) answers.is_due(start, just_committed);
  for (int fence = 1; fence <= 20; ++fence) {
    EXPECT_TRUE(answers.is_due(start + 1500ms, just_committed));
  }
  EXPECT_FALSE(answers.is_due(start + 2499ms, just_committed));
  EXPECT_TRUE(answers.is_due(start + 2500ms, just_committed));
}

TEST(FenceAnswers, FurtherOnesWaitForHalfASecondSinceTheLastCommit) {
  FenceAnswers answers;
  for (int fence = 1; fence <= 20; ++fence) answers.is_due(start, just_committed);
  EXPECT_FALSE(answers.is_due(start + 1ms, 499ms));
  EXPECT_TRUE(answers.is_due(start + 1ms, 500ms));
}

TEST(FenceAnswers, OneThatHasWaitedIsNotCounted) {
  FenceAnswers answers;
  for (int fence = 1; fence <= 100; ++fence) EXPECT_TRUE(answers.is_due(start, 500ms));
  for (int fence = 1; fence <= 20; ++fence) EXPECT_TRUE(answers.is_due(start, just_committed));
  EXPECT_FALSE(answers.is_due(start, just_committed));
}

TEST(FenceAnswers, AFloodCostsTwentyCommitsASecondAndTwoMore) {
  FenceAnswers answers;
  EXPECT_EQ(answered_in_flood(answers, 0ms, 1000ms), 20 + 1);  // 20 until 19 ms, one at 519 ms
  EXPECT_LE(answered_in_flood(answers, 1000ms, 61'000ms), 60 * (20 + 2));
}

}  // namespace
}  // namespace bemi::pipeline
