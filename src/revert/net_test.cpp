// SPDX-License-Identifier: LGPL-3.0-or-later
#include "revert/net.hpp"

#include <gtest/gtest.h>

namespace bemi::revert {
namespace {

// Two columns: the key and a value.
Image row(const std::string& key, const std::string& value) {
  return {{.known = Known::known, .json = key, .exact = {}},
          {.known = Known::known, .json = value, .exact = {}}};
}

Event created(bool selected, const std::string& key, const std::string& value) {
  return {.kind = EventKind::create,
          .selected = selected,
          .key = key,
          .previous_key = key,
          .before = Image(2),
          .after = row(key, value),
          .id = "c" + value};
}

Event updated(bool selected, const std::string& key, const std::string& from,
              const std::string& to) {
  return {.kind = EventKind::update,
          .selected = selected,
          .key = key,
          .previous_key = key,
          .before = row(key, from),
          .after = row(key, to),
          .id = "u" + to};
}

Event removed(bool selected, const std::string& key, const std::string& value) {
  return {.kind = EventKind::remove,
          .selected = selected,
          .key = key,
          .previous_key = key,
          .before = row(key, value),
          .after = Image(2),
          .id = "d" + value};
}

Event moved(const std::string& from, const std::string& to, const std::string& value) {
  return {.kind = EventKind::update,
          .selected = true,
          .key = to,
          .previous_key = from,
          .before = row(from, value),
          .after = row(to, value),
          .id = "m" + value,
          .passing = true};
}

std::vector<NetRow> net(const std::vector<Event>& events) {
  Net net(2);
  for (const Event& event : events) net.take(event);
  return net.finish();
}

TEST(Net, KeysThatPassEachOtherGoBackEachToItsRow) {
  auto rows = net({moved("1", "2", "a"), moved("2", "3", "b"), moved("3", "1", "c")});
  ASSERT_EQ(rows.size(), 3U);
  std::map<std::string, std::string> back;
  for (const NetRow& one : rows) {
    EXPECT_EQ(one.kind, RowKind::update);
    EXPECT_FALSE(one.conflict);
    back[one.key] = one.target[0].json;
  }
  EXPECT_EQ(back, (std::map<std::string, std::string>{{"2", "1"}, {"3", "2"}, {"1", "3"}}));
}

TEST(Net, ARowThatCameToAKeyInPassingLeavesTheOneThatHadIt) {
  auto rows = net({moved("1", "2", "a"), moved("2", "9", "a")});
  ASSERT_EQ(rows.size(), 1U);
  EXPECT_EQ(rows[0].key, "9");
  EXPECT_EQ(rows[0].target[0].json, "1");
}

TEST(Net, ManyChangesOfOneColumnAreOne) {
  auto rows = net({updated(true, "1", "a", "b"), updated(true, "1", "b", "c")});
  ASSERT_EQ(rows.size(), 1U);
  EXPECT_EQ(rows[0].kind, RowKind::update);
  EXPECT_EQ(rows[0].target[1].json, "a");
  EXPECT_EQ(rows[0].expected[1].json, "c");
  EXPECT_FALSE(rows[0].conflict);
}

TEST(Net, InsertAndDeleteAreNothing) {
  EXPECT_TRUE(net({created(true, "1", "a"), removed(true, "1", "a")}).empty());
}

TEST(Net, DeleteAndInsertAreAnUpdate) {
  auto rows = net({removed(true, "1", "a"), created(true, "1", "b")});
  ASSERT_EQ(rows.size(), 1U);
  EXPECT_EQ(rows[0].kind, RowKind::update);
  EXPECT_EQ(rows[0].target[1].json, "a");
}

TEST(Net, AValueThatOthersWroteInBetweenComesBack) {
  auto rows = net(
      {updated(true, "1", "a", "b"), updated(false, "1", "b", "c"), updated(true, "1", "c", "d")});
  ASSERT_EQ(rows.size(), 1U);
  EXPECT_EQ(rows[0].target[1].json, "c");
  EXPECT_FALSE(rows[0].conflict);
}

TEST(Net, ALaterValueOfOthersIsAConflictUnlessItIsTheOldOne) {
  auto rows = net({updated(true, "1", "a", "b"), updated(false, "1", "b", "c")});
  ASSERT_EQ(rows.size(), 1U);
  EXPECT_EQ(rows[0].conflict, ConflictKind::overwritten);
  EXPECT_EQ(rows[0].later, std::vector<std::string>{"uc"});
  EXPECT_TRUE(net({updated(true, "1", "a", "b"), updated(false, "1", "b", "a"),
                   updated(false, "1", "a", "z")})
                  .empty());
}

TEST(Net, ARowThatOthersBuiltOnIsAConflict) {
  auto rows = net({created(true, "1", "a"), updated(false, "1", "a", "b")});
  ASSERT_EQ(rows.size(), 1U);
  EXPECT_EQ(rows[0].kind, RowKind::remove);
  EXPECT_EQ(rows[0].conflict, ConflictKind::built_on);
}

TEST(Net, AKeyThatAnotherRowHasNowIsTakenAndTheSameRowIsUndone) {
  auto taken = net({removed(true, "1", "a"), created(false, "1", "b")});
  ASSERT_EQ(taken.size(), 1U);
  EXPECT_EQ(taken[0].conflict, ConflictKind::taken);
  EXPECT_TRUE(net({removed(true, "1", "a"), created(false, "1", "a")}).empty());
}

TEST(Net, AChainOfKeysIsOneRow) {
  Event first = updated(true, "2", "a", "a");
  first.previous_key = "1";
  first.before = row("1", "a");
  Event second = updated(true, "3", "a", "a");
  second.previous_key = "2";
  second.before = row("2", "a");
  auto rows = net({first, second});
  ASSERT_EQ(rows.size(), 1U);
  EXPECT_EQ(rows[0].key, "3");
  EXPECT_EQ(rows[0].target[0].json, "1");
  EXPECT_EQ(rows[0].columns, std::vector<int>{0});
}

TEST(Net, OthersWhoEmptyTheTableTakeOurUpdatesWithThem) {
  Net net(2);
  net.take(updated(true, "1", "a", "b"));
  net.take(created(true, "2", "x"));
  net.truncate("t");
  auto rows = net.finish();
  ASSERT_EQ(rows.size(), 1U);
  EXPECT_EQ(rows[0].conflict, ConflictKind::deleted);
  EXPECT_EQ(rows[0].key, "1");
}

TEST(Net, AnOldValueThatIsNotKnownIsNotGuessed) {
  Event event = updated(true, "1", "a", "b");
  event.before[1] = {.known = Known::unknown, .json = {}, .exact = {}};
  auto rows = net({event});
  ASSERT_EQ(rows.size(), 1U);
  EXPECT_EQ(rows[0].conflict, ConflictKind::unknown);
  EXPECT_EQ(rows[0].kind, RowKind::none);
}

}  // namespace
}  // namespace bemi::revert
