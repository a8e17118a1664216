// SPDX-License-Identifier: LGPL-3.0-or-later
#include "stitch/spool.hpp"

#include <gtest/gtest.h>

namespace bemi::stitch {
namespace {

std::string bytes_of(std::uint32_t number) {
  return std::string(number % 700, static_cast<char>('a' + number % 26));
}

// The same records come back in order, whether they fitted into memory or not.
void round_trip(std::size_t budget_bytes, bool spills) {
  SpoolBudget budget("/tmp", budget_bytes);
  Spool spool(budget);
  constexpr std::uint32_t count = 3000;
  for (std::uint32_t i = 0; i < count; ++i) {
    ASSERT_TRUE(
        spool.append({.position = {i + 1U}, .xid = i % 3, .number = i, .bytes = bytes_of(i)}));
  }
  EXPECT_EQ(spool.spilled(), spills);
  for (std::uint32_t i = 0; i < count; ++i) {
    auto record = spool.next();
    ASSERT_TRUE(record && *record);
    EXPECT_EQ((*record)->position.value, i + 1U);
    EXPECT_EQ((*record)->number, i);
    EXPECT_EQ((*record)->bytes, bytes_of(i));
  }
  auto end = spool.next();
  ASSERT_TRUE(end);
  EXPECT_FALSE(*end);
}

TEST(Spool, InMemory) { round_trip(64 << 20, false); }
TEST(Spool, InAFile) { round_trip(64 << 10, true); }

TEST(Spool, RecordsLargerThanTheReadWindow) {
  SpoolBudget budget("/tmp", 1024);
  Spool spool(budget);
  std::string large(3 << 20, 'x');
  ASSERT_TRUE(spool.append({.bytes = large}));
  ASSERT_TRUE(spool.append({.bytes = "small"}));
  EXPECT_EQ((*spool.next())->bytes, large);
  EXPECT_EQ((*spool.next())->bytes, "small");
}

TEST(Spool, AMissingDirectoryIsAnErrorWithItsReason) {
  SpoolBudget budget("/no/such/directory", 0);
  Spool spool(budget);
  base::Status done = spool.append({.bytes = std::string(1 << 20, 'x')});
  ASSERT_FALSE(done);
  EXPECT_NE(done.error().message.find("No such file"), std::string::npos);
}

}  // namespace
}  // namespace bemi::stitch
