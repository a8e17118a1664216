// SPDX-License-Identifier: LGPL-3.0-or-later
#include "base/clock.hpp"

#include <gtest/gtest.h>

namespace bemi::base {
namespace {

TEST(Timestamp, PrintsWhatPostgresReads) {
  EXPECT_EQ(format(Timestamp{0}), "1970-01-01 00:00:00.000000+00");
  EXPECT_EQ(format(Timestamp::from_postgres_us(0)), "2000-01-01 00:00:00.000000+00");
  EXPECT_EQ(format(Timestamp{-1}), "1969-12-31 23:59:59.999999+00");
  EXPECT_EQ(format(Timestamp{951'782'400'000'000}), "2000-02-29 00:00:00.000000+00");
  EXPECT_EQ(format(Timestamp{-62'135'596'800'000'001}), "0001-12-31 23:59:59.999999+00 BC");
  // A clock cannot be there; bytes can.
  EXPECT_EQ(Timestamp::from_postgres_us(INT64_MAX), Timestamp{INT64_MAX});
}

}  // namespace
}  // namespace bemi::base
