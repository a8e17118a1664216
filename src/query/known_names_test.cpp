// SPDX-License-Identifier: LGPL-3.0-or-later
#include "query/known_names.hpp"

#include <gtest/gtest.h>

namespace bemi::query {
namespace {

TEST(KnownNames, AnOperationIsReadInAnyCase) {
  EXPECT_EQ(parse_operation("update").value(), "UPDATE");
  EXPECT_EQ(parse_operation("Schema").value(), "SCHEMA");
}

TEST(KnownNames, AnUnknownOperationIsAnErrorThatSuggestsOne) {
  auto hint = [](const char* word) { return parse_operation(word).error().hint; };
  EXPECT_EQ(parse_operation("UPSERT").error().message, "there is no operation UPSERT");
  EXPECT_EQ(hint("UPSERT"),
            "the operations are CREATE, UPDATE, DELETE, TRUNCATE, SNAPSHOT, SCHEMA");
  EXPECT_TRUE(hint("insert").starts_with("did you mean CREATE?"));
  EXPECT_TRUE(hint("delet").starts_with("did you mean DELETE?"));
  EXPECT_TRUE(hint("updated").starts_with("did you mean UPDATE?"));
}

}  // namespace
}  // namespace bemi::query
