// SPDX-License-Identifier: LGPL-3.0-or-later
#include "base/counted.hpp"

#include <gtest/gtest.h>

namespace bemi::base {
namespace {

TEST(Counted, HasItsNoun) {
  EXPECT_EQ(counted(0, "row"), "0 rows");
  EXPECT_EQ(counted(1, "row"), "1 row");
  EXPECT_EQ(counted(2, "row"), "2 rows");
}

TEST(SizeText, IsByPowersOfAThousand) {
  EXPECT_EQ(size_text(0), "0 B");
  EXPECT_EQ(size_text(999), "999 B");
  EXPECT_EQ(size_text(1000), "1.0 kB");
  EXPECT_EQ(size_text(84'120), "84.1 kB");
  EXPECT_EQ(size_text(84'150), "84.2 kB");
  EXPECT_EQ(size_text(5'300'000), "5.3 MB");
  EXPECT_EQ(size_text(2'000'000'000), "2.0 GB");
  EXPECT_EQ(size_text(7'250'000'000'000), "7.3 TB");
  EXPECT_EQ(size_text(9'000'000'000'000'000), "9000.0 TB");
}

}  // namespace
}  // namespace bemi::base
