// SPDX-License-Identifier: LGPL-3.0-or-later
#include "query/way.hpp"

#include <gtest/gtest.h>

namespace bemi::query {
namespace {

TEST(Way, BackIsLookedAtWhereForwardIsDearOrRefused) {
  EXPECT_FALSE(is_back_of_interest({.cost = 20'000}, false));
  EXPECT_TRUE(is_back_of_interest({.cost = 20'001}, false));
  EXPECT_TRUE(is_back_of_interest({.refused = true, .cost = 1}, false));
  EXPECT_TRUE(is_back_of_interest({.cost = 1}, true));
}

TEST(Way, BackCostsAFenceAndTwiceItsRows) {
  EXPECT_EQ(cost_of({}), 20'000);
  EXPECT_EQ(cost_of({.live_rows = 1000, .changes_since = 50}), 22'050);
}

TEST(Way, BackIsNotGoneFromMoreRowsThanMayBeRead) {
  EXPECT_EQ(cost_of({.live_rows = 11, .live_rows_max = 10}), std::nullopt);
  EXPECT_EQ(cost_of({.live_rows = 10, .live_rows_max = 10}), 20'020);
  EXPECT_FALSE(is_back_better({.refused = true}, {.live_rows = 11, .live_rows_max = 10}));
}

TEST(Way, TheCheaperOneIsGone) {
  BackWay back{.live_rows = 1000};  // 22,000
  EXPECT_TRUE(is_back_better({.cost = 22'001}, back));
  EXPECT_FALSE(is_back_better({.cost = 22'000}, back));
  EXPECT_TRUE(is_back_better({.refused = true, .cost = 1}, back));
}

TEST(Way, SaysWhatItCosts) {
  EXPECT_EQ(line_of({.live_rows = 1000, .changes_since = 50}),
            "back from the live table, cost 22050: about 1000 rows, 50 changes since");
  EXPECT_EQ(line_of({.live_rows = 11, .live_rows_max = 10}),
            "back from the live table: about 11 rows are too many here");
}

}  // namespace
}  // namespace bemi::query
