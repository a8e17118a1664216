// SPDX-License-Identifier: LGPL-3.0-or-later
#include "store/counters.hpp"

#include <gtest/gtest.h>

namespace bemi::store {
namespace {

using change::Operation;

Counters counted(Operation operation, std::string_view context) {
  Counters counters;
  counters.count(change::Change{.operation = operation, .context = context});
  return counters;
}

TEST(Counters, WritesOfRowsAreCountedWithTheirContext) {
  for (Operation operation :
       {Operation::create, Operation::update, Operation::delete_, Operation::truncate}) {
    Counters with = counted(operation, R"({"user_id": 1})");
    EXPECT_EQ(with.changes, 1);
    EXPECT_EQ(with.changes_with_context, 1);
    EXPECT_EQ(with.written, 1);
    EXPECT_EQ(with.written_with_context, 1);
    Counters without = counted(operation, "{}");
    EXPECT_EQ(without.changes, 1);
    EXPECT_EQ(without.changes_with_context, 0);
    EXPECT_EQ(without.written, 1);
    EXPECT_EQ(without.written_with_context, 0);
  }
}

TEST(Counters, BaselinesAndDdlAreNoWrites) {
  for (Operation operation : {Operation::snapshot, Operation::schema}) {
    Counters counters = counted(operation, R"({"user_id": 1})");
    EXPECT_EQ(counters.changes, 1);
    EXPECT_EQ(counters.changes_with_context, 1);
    EXPECT_EQ(counters.written, 0);
    EXPECT_EQ(counters.written_with_context, 0);
  }
}

TEST(Counters, RefusedMessagesAreCountedByKind) {
  Counters counters;
  counters.count(change::RefusedCounts{.context = 1, .schema = 20, .other = 300});
  counters.count(change::RefusedCounts{.context = 1, .schema = 20, .other = 300});
  EXPECT_EQ(counters.contexts_rejected, 2);
  EXPECT_EQ(counters.schema_refused, 40);
  EXPECT_EQ(counters.messages_refused, 600);
  EXPECT_EQ(counters.changes, 0);
}

}  // namespace
}  // namespace bemi::store
