// SPDX-License-Identifier: LGPL-3.0-or-later
#include "pipeline/created_table.hpp"

#include <gtest/gtest.h>

namespace pipeline {
namespace {

TEST(CreatedTable, IsRead) {
  auto table = parse_created_table(R"({"oid": 16384, "schema": "Other", "table": "a\"b"})");
  ASSERT_TRUE(table.has_value());
  EXPECT_EQ(table->relation, 16384U);
  EXPECT_EQ(table->schema, "Other");
  EXPECT_EQ(table->table, "a\"b");
  EXPECT_TRUE(table->whole);
}

TEST(CreatedTable, WhatIsNotOursIsPassedOver) {
  for (const char* text : {"", "[]", "{}", R"({"oid": -1, "schema": "a", "table": "b"})",
                           R"({"oid": 1, "schema": 2, "table": "b"})", R"({"oid": 1})"}) {
    EXPECT_FALSE(parse_created_table(text).has_value()) << text;
  }
}

}  // namespace
}  // namespace pipeline
