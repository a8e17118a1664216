// SPDX-License-Identifier: LGPL-3.0-or-later
#include "store/progress_rules.hpp"

#include <gtest/gtest.h>

namespace bemi::store {
namespace {

Progress at(std::uint64_t position, std::int64_t time) {
  Progress progress;
  progress.position = {position};
  progress.effective_at = {time};
  return progress;
}

TEST(Progress, GoesOnToWhatWasCommittedLater) {
  Progress progress = at(100, 1000);
  progress.advance({101}, {1001});
  EXPECT_EQ(progress.position.value, 101U);
  EXPECT_EQ(progress.effective_at, base::Timestamp{1001});
}

TEST(Progress, NeverGoesBack) {
  Progress progress = at(100, 1000);
  progress.advance({99}, {999});
  EXPECT_EQ(progress.position.value, 100U);
  EXPECT_EQ(progress.effective_at, base::Timestamp{1000});
  progress.advance({101}, {});  // a keepalive has no time
  EXPECT_EQ(progress.position.value, 101U);
  EXPECT_EQ(progress.effective_at, base::Timestamp{1000});
}

TEST(Progress, ATransactionsTimeIsNeverBeforeThatOfTheOneBefore) {
  EXPECT_EQ(effective_time(at(100, 1000), {999}), base::Timestamp{1000});
  EXPECT_EQ(effective_time(at(100, 1000), {1001}), base::Timestamp{1001});
  EXPECT_EQ(effective_time(at(0, 0), {5}), base::Timestamp{5});
}

}  // namespace
}  // namespace bemi::store
