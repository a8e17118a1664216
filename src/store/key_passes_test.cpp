// SPDX-License-Identifier: LGPL-3.0-or-later
#include "store/key_passes.hpp"

#include <gtest/gtest.h>

namespace bemi::store {
namespace {

using change::Change;
using change::Operation;

change::RelationPtr item() {
  static const auto relation = std::make_shared<const change::Relation>(
      change::Relation{.oid = 1, .schema = "public", .table = "item"});
  return relation;
}

Change made(std::string_view key) {
  return {.relation = item(), .operation = Operation::create, .has_key = true, .primary_key = key};
}
Change removed(std::string_view key) {
  return {.relation = item(), .operation = Operation::delete_, .has_key = true, .primary_key = key};
}
Change moved(std::string_view from, std::string_view to) {
  return {.relation = item(),
          .operation = Operation::update,
          .has_key = true,
          .primary_key = to,
          .moved = true,
          .previous_key = from};
}

std::size_t passes(const std::vector<Change>& changes) {
  KeyPasses passes;
  for (const Change& change : changes) passes.take(change);
  return passes.finish().size();
}

TEST(KeyPasses, AKeyThatIsLeftAfterAnotherRowCameToItHasPassed) {
  EXPECT_EQ(passes({moved("1", "2"), moved("2", "3")}), 1U);
  EXPECT_EQ(passes({moved("1", "2"), removed("2")}), 1U);
  EXPECT_EQ(passes({made("2"), moved("2", "3")}), 1U);
  EXPECT_EQ(passes({made("2"), removed("2")}), 1U);
}

TEST(KeyPasses, AKeyThatIsLeftFirstHasNot) {
  EXPECT_EQ(passes({moved("2", "3"), moved("1", "2")}), 0U);
  EXPECT_EQ(passes({removed("2"), made("2")}), 0U);
  EXPECT_EQ(passes({moved("1", "1001"), moved("2", "1002")}), 0U);
  EXPECT_EQ(passes({made("1"), removed("2")}), 0U);
}

TEST(KeyPasses, TransactionsAndTablesAreToldApart) {
  KeyPasses passes;
  passes.take(made("1"));
  EXPECT_TRUE(passes.finish().empty());
  passes.take(removed("1"));
  EXPECT_TRUE(passes.finish().empty());
  passes.take(made("1"));
  Change elsewhere = removed("1");
  elsewhere.relation = std::make_shared<const change::Relation>(
      change::Relation{.oid = 2, .schema = "other", .table = "item"});
  passes.take(elsewhere);
  EXPECT_TRUE(passes.finish().empty());
}

TEST(KeyPasses, BeyondItsMemoryAnyKeyThatIsLeftCounts) {
  KeyPasses passes;
  std::string key;
  for (std::size_t i = 0; i <= KeyPasses::keys_max; ++i) {
    key = std::to_string(i);
    passes.take(made(key));
  }
  passes.take(removed("x"));
  EXPECT_EQ(passes.finish().size(), 1U);
}

}  // namespace
}  // namespace bemi::store
