// SPDX-License-Identifier: LGPL-3.0-or-later
#include "decode/schema_change.hpp"

#include <gtest/gtest.h>

namespace bemi::decode {
namespace {

constexpr const char* alter_table = R"json({
  "v": 2, "command": "ALTER TABLE", "sql": "alter ...", "xid": 7, "top": 4294967303,
  "marks": {"rewritten": true, "unseen_since": {"time": 5, "position": "0/10"}},
  "table": {"oid": 16384, "schema": "public", "table": "todo", "identity": "f",
            "columns": [{"name": "id", "type": "numeric(10,2)", "type_oid": 1700,
                         "type_modifier": 655366,
                         "form": {"oid": 1700, "name": "numeric", "kind": "scalar"}}],
            "unsent": ["total"], "primary_key": ["id"]}})json";

constexpr const char* stored =
    R"json({"columns":[{"name":"id","type":"numeric(10,2)"}],"command":"ALTER TABLE",)json"
    R"json("primary_key":["id"],"schema":"public","sql":"alter ...","table":"todo"})json";

TEST(SchemaChange, IsReadAndWritten) {
  auto change = parse_schema_change(alter_table);
  ASSERT_TRUE(change);
  EXPECT_EQ(change->xid, 7U);
  EXPECT_EQ(change->top, 4294967303U);
  EXPECT_TRUE(change->rewritten);
  EXPECT_FALSE(change->empty);
  ASSERT_TRUE(change->unseen_since);
  EXPECT_EQ(change->unseen_since->time.unix_us, 5);
  EXPECT_EQ(change->unseen_since->position.value, 16U);
  EXPECT_EQ(change->relation.identity, change::ReplicaIdentity::full);
  EXPECT_EQ(change->relation.primary_key, std::vector<std::size_t>{0});
  EXPECT_TRUE(change->relation.lists_unsent);
  EXPECT_EQ(change->relation.unsent, std::vector<std::string>{"total"});
  EXPECT_EQ(schema_change_json(*change), stored);
}

TEST(SchemaChange, OfAnOlderReleaseDoesNotListWhatIsUnsent) {
  std::string older = alter_table;
  older.erase(older.find(R"("unsent": ["total"], )"), 20);
  auto change = parse_schema_change(older);
  ASSERT_TRUE(change);
  EXPECT_FALSE(change->relation.lists_unsent);
}

TEST(SchemaChange, CanBeOfAllTablesThatHaveAType) {
  auto told = parse_schema_change(
      R"({"command": "ALTER TYPE", "sql": "", "xid": 7, "top": 7,
          "marks": {"relabelled": [16384, 16390]}, "table": {}})");
  ASSERT_TRUE(told);
  EXPECT_EQ(told->relabelled, (std::vector<change::Oid>{16384, 16390}));
  for (const char* wrong : {"7", "[-1]", "[4294967296]", R"(["16384"])", "[[]]"}) {
    EXPECT_FALSE(parse_schema_change(R"({"command": "ALTER TYPE", "sql": "", "xid": 7, "top": 7,
        "marks": {"relabelled": )" + std::string(wrong) +
                                     R"(}, "table": {}})"))
        << wrong;
  }
}

TEST(SchemaChange, CanBeOfAPartitionOrOfThePublication) {
  auto partition = parse_schema_change(
      R"({"command": "CREATE TABLE", "sql": "", "xid": 7, "top": 7, "marks": {},
          "table": {"oid": 16384, "schema": "public", "table": "todo", "leaf": 16390}})");
  ASSERT_TRUE(partition);
  EXPECT_EQ(partition->leaf, 16390U);
  auto publication = parse_schema_change(
      R"({"command": "ALTER PUBLICATION", "sql": "", "xid": 7, "top": 7,
          "marks": {"publication": true}, "table": {}})");
  ASSERT_TRUE(publication);
  EXPECT_TRUE(publication->publication);
}

TEST(SchemaChange, WhatIsNotOursIsNone) {
  for (const char* content : {"", "{", "[]", "{}", R"({"command": 1})", R"({"table": []})"}) {
    EXPECT_FALSE(parse_schema_change(content)) << content;
  }
  EXPECT_FALSE(parse_schema_change(std::string(200'000, '[')));
  EXPECT_FALSE(parse_schema_change(std::string(2 << 20, ' ')));
}

// Each with one thing that PostgreSQL cannot have meant.
TEST(SchemaChange, WhatCannotBeIsRefused) {
  std::string whole = alter_table;
  auto with = [&](const std::string& from, const std::string& to) {
    std::string changed = whole;
    std::size_t at = changed.find(from);
    EXPECT_NE(at, std::string::npos) << from;
    return changed.replace(at, from.size(), to);
  };
  std::string long_name(9000, 'n');
  for (const std::string& content :
       {with("\"public\"", "\"" + long_name + "\""), with("\"todo\"", "\"\""), with("16384", "-1"),
        with("16384", "99999999999"), with("\"xid\": 7", "\"xid\": 7.5"),
        with("\"kind\": \"scalar\"", "\"kind\": 1").replace(0, 1, "["), whole + " x",
        with("\"alter ...\"", R"("\u0000")"), with("\"identity\": \"f\"", "\"identity\": \"?\""),
        with("\"primary_key\": [\"id\"]", "\"primary_key\": [1]"),
        with("\"rewritten\": true", "\"rewritten\": 1"), with("\"time\": 5", "\"time\": \"x\""),
        with("\"0/10\"", "\"ten\"")}) {
    EXPECT_FALSE(parse_schema_change(content)) << content.substr(0, 300);
  }
}

}  // namespace
}  // namespace bemi::decode
