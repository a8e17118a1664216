// SPDX-License-Identifier: LGPL-3.0-or-later
#include <gtest/gtest.h>

#include "store/change_id.hpp"
#include "store/copy_row.hpp"
#include "store/partitions.hpp"

namespace bemi::store {
namespace {

constexpr base::Timestamp noon{1'795'435'754'123'456};  // 2026-11-23 12:09:14.123456 UTC

TEST(ChangeId, IsVersion8LedByMillisecondsAndTheSameEachTime) {
  ChangeIdentity identity{.source = "shop", .epoch = 1, .commit_position = {42}, .sequence = 7};
  Uuid id = change_id(noon, identity);
  EXPECT_EQ(id, change_id(noon, identity));
  EXPECT_EQ(id[6] >> 4, 8);
  EXPECT_EQ(id[8] >> 6, 2);
  std::uint64_t milliseconds = 0;
  for (int i = 0; i < 6; ++i) milliseconds = milliseconds << 8 | id[static_cast<std::size_t>(i)];
  EXPECT_EQ(milliseconds, 1'795'435'754'123U);
}

TEST(ChangeId, DiffersWithEveryPartOfTheIdentity) {
  ChangeIdentity one{.source = "shop", .epoch = 1, .commit_position = {42}, .sequence = 7};
  for (auto change :
       {+[](ChangeIdentity& i) { i.source = "shop2"; }, +[](ChangeIdentity& i) { i.epoch = 2; },
        +[](ChangeIdentity& i) { i.commit_position = {43}; },
        +[](ChangeIdentity& i) { i.sequence = 8; }}) {
    ChangeIdentity other = one;
    change(other);
    EXPECT_NE(change_id(noon, one), change_id(noon, other));
  }
}

TEST(CopyText, EscapesWhatCopyReads) {
  std::string out;
  append_copy_text(out, "a\tb\nc\\d\re");
  EXPECT_EQ(out, R"(a\tb\nc\\d\re)");
}

TEST(Window, OfDayWeekAndMonth) {
  EXPECT_EQ(window_of(noon, PartitionBy::day).name, "changes_2026_11_23");
  EXPECT_EQ(window_of(noon, PartitionBy::week).name, "changes_2026_w48");
  Window month = window_of(noon, PartitionBy::month);
  EXPECT_EQ(month.name, "changes_2026_11");
  EXPECT_EQ(base::format(month.from), "2026-11-01 00:00:00.000000+00");
  EXPECT_EQ(base::format(month.to), "2026-12-01 00:00:00.000000+00");
}

TEST(Window, WeeksOfTheNewYear) {
  // 2027-01-01 is a Friday: still in the last week of 2026.
  EXPECT_EQ(window_of({1'798'761'600'000'000}, PartitionBy::week).name, "changes_2026_w53");
}

}  // namespace
}  // namespace bemi::store
