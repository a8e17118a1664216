// SPDX-License-Identifier: LGPL-3.0-or-later
#include "deliver/live_feed.hpp"

#include <gtest/gtest.h>

namespace bemi::deliver {
namespace {

TEST(EventId, IsReadAsItWasWritten) {
  query::Seen seen{{"shop", "2026-11-23 17:09:14.123456+00", 2, 1LL << 40, 3},
                   {"ü \"x\"", "2026-11-23 17:09:14+00", 1, 5, 0}};
  std::string text = event_id(seen);
  EXPECT_EQ(text.find_first_of("\r\n \""), std::string::npos);
  auto again = read_event_id(text);
  ASSERT_TRUE(again);
  ASSERT_EQ(again->size(), 2U);
  EXPECT_EQ((*again)[0].commit_position, 1LL << 40);
  EXPECT_EQ((*again)[1].source, "ü \"x\"");
  for (std::string_view wrong : {"", "x", "W10x", "eyJhIjoxfQ", "W1sxXV0", "W1siYSJdXQ"}) {
    EXPECT_FALSE(read_event_id(wrong)) << wrong;
  }
  EXPECT_FALSE(read_event_id(std::string(5000, 'A')));
}

}  // namespace
}  // namespace bemi::deliver
