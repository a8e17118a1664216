// SPDX-License-Identifier: LGPL-3.0-or-later
#include "query/table_name.hpp"

#include <gtest/gtest.h>

namespace bemi::query {
namespace {

struct Case {
  std::string text;
  std::string schema;
  std::string table;
};

TEST(TableName, IsReadAsSqlReadsIt) {
  const Case cases[] = {
      {"todo", "", "todo"},
      {"shop.todo", "shop", "todo"},
      {"Shop.ToDo", "shop", "todo"},
      {"AZaz@[`{09_", "", "azaz@[`{09_"},
      {"ÄÖ", "", "ÄÖ"},
      {R"("Shop"."ToDo")", "Shop", "ToDo"},
      {R"("a.b")", "", "a.b"},
      {R"("a"".""b".c)", R"(a"."b)", "c"},
      {R"("""")", "", R"(")"},
      {R"(x"Y"Z)", "", "xYz"},
      {R"("a"b)", "", "ab"},
  };
  for (const Case& one : cases) {
    auto name = parse_table_name(one.text);
    ASSERT_TRUE(name) << one.text;
    EXPECT_EQ(name->schema, one.schema) << one.text;
    EXPECT_EQ(name->table, one.table) << one.text;
  }
}

TEST(TableName, IsRefusedIfSqlWouldNotTakeIt) {
  for (const char* text :
       {"", ".", "a.", ".a", "a.b.c", "a..b", R"("a)", R"(a")", R"("")", R"("a"")", R"("".b)"}) {
    auto name = parse_table_name(text);
    ASSERT_FALSE(name) << text;
    EXPECT_EQ(name.error().kind, base::ErrorKind::usage);
    EXPECT_EQ(name.error().message, "not a table's name: " + std::string(text));
  }
}

TEST(TableName, BytesBehindTheTextAreNotRead) {
  const std::string_view more = R"("a""b")";
  auto name = parse_table_name(more.substr(0, 3));
  ASSERT_TRUE(name);
  EXPECT_EQ(name->table, "a");
}

TEST(TableName, IsQuotedForSql) {
  EXPECT_EQ(quoted({"shop", "todo"}), R"("shop"."todo")");
  EXPECT_EQ(quoted({"", "todo"}), R"("public"."todo")");
  EXPECT_EQ(quoted({"a\"b", "C"}), R"("a""b"."C")");
}

}  // namespace
}  // namespace bemi::query
