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

TEST(SchemaChange, AMessageThatIsNotOursIsNone) {
  for (const char* content : {"", "{", "[]", "{}", R"({"command": 1})", R"({"table": []})"}) {
    EXPECT_FALSE(parse_schema_change(content)) << content;
  }
  EXPECT_FALSE(parse_schema_change(std::string(200'000, '[')));
  EXPECT_FALSE(parse_schema_change(std::string(2 << 20, ' ')));
}

// Each with one thing that PostgreSQL cannot have meant.
TEST(SchemaChange, AnImpossibleMessageIsRefused) {
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

// A message of a table with these marks, columns and further members.
std::string message_of(const std::string& marks, const std::string& columns = "[]",
                       const std::string& members = "") {
  return R"({"command": "c", "sql": "s", "xid": 1, "top": 2, "marks": )" + marks +
         R"(, "table": {"oid": 3, "schema": "a", "table": "b", "columns": )" + columns + members +
         "}}";
}

std::string column_with_missing(const std::string& form, const std::string& text) {
  return R"([{"name": "k", "type": "int4", "type_oid": 23, "type_modifier": -1}, {"name": "v", "type": "t", )" +
         form + R"("missing_text": ")" + text + R"("}])";
}

change::Column missing_of(const std::string& form, const std::string& text) {
  auto change = parse_schema_change(message_of("{}", column_with_missing(form, text)));
  EXPECT_TRUE(change) << (change ? "" : change.error().message);
  return change ? change->relation.columns.at(1) : change::Column{};
}

TEST(SchemaChange, ItsMarksAreReadOneByOne) {
  auto plain = parse_schema_change(message_of("{}"));
  ASSERT_TRUE(plain);
  EXPECT_FALSE(plain->empty || plain->dropped || plain->rewritten || plain->unseen ||
               plain->publication);
  EXPECT_TRUE(plain->listed);
  EXPECT_FALSE(plain->unseen_since);
  EXPECT_TRUE(parse_schema_change(message_of(R"({"empty": true})"))->empty);
  EXPECT_TRUE(parse_schema_change(message_of(R"({"dropped": true})"))->dropped);
  EXPECT_TRUE(parse_schema_change(message_of(R"({"rewritten": true})"))->rewritten);
  EXPECT_TRUE(parse_schema_change(message_of(R"({"unseen": true})"))->unseen);
  EXPECT_FALSE(parse_schema_change(message_of(R"({"listed": false})"))->listed);
  EXPECT_TRUE(parse_schema_change(message_of(R"({"publication": true})"))->publication);
}

TEST(SchemaChange, ItsTableIsReadInFull) {
  auto change = parse_schema_change(
      message_of("{}", "[]", R"(, "leaves": [9, 7, 8], "membership": 11, "leaf": 12)"));
  ASSERT_TRUE(change);
  EXPECT_EQ(change->relation.oid, 3U);
  EXPECT_EQ(change->relation.schema, "a");
  EXPECT_EQ(change->relation.table, "b");
  EXPECT_EQ(change->relation.identity, change::ReplicaIdentity::default_);
  EXPECT_EQ(change->relation.leaves, (std::vector<change::Oid>{7, 8, 9}));
  EXPECT_EQ(change->membership, 11U);
  EXPECT_EQ(change->leaf, 12U);
  EXPECT_FALSE(change->relation.lists_unsent);
}

// The value of rows that were written before the column was added.
TEST(SchemaChange, AColumnsMissingValueIsJsonAndExactTextIfJsonCannotHoldIt) {
  const std::string number =
      R"("type_oid": 1700, "type_modifier": -1, "form": {"oid": 1700, "name": "numeric", "kind": "scalar"}, )";
  change::Column one = missing_of(number, "1.50");
  EXPECT_EQ(one.missing, "1.50");
  EXPECT_EQ(one.missing_exact, "");
  change::Column nan = missing_of(number, "NaN");
  EXPECT_EQ(nan.missing, "\"NaN\"");
  EXPECT_EQ(nan.missing_exact, "");  // to_jsonb gives the same string
  const std::string huge = "1" + std::string(140'000, '0');
  change::Column large = missing_of(number, huge);
  EXPECT_TRUE(large.missing == "\"" + huge + "\"");
  EXPECT_TRUE(large.missing_exact == huge);
}

TEST(SchemaChange, AColumnOfAnUnknownTypeHasNoMissingValue) {
  change::Column unknown = missing_of("\"type_oid\": 23, \"type_modifier\": -1, ", "7");
  EXPECT_EQ(unknown.missing, "");
  EXPECT_EQ(unknown.missing_exact, "");
}

TEST(SchemaChange, TheFirstColumnHasItsMissingValueToo) {
  auto change = parse_schema_change(message_of(
      "{}",
      R"([{"name": "v", "type": "int4", "type_oid": 23, "type_modifier": -1, "missing_text": "7",
                 "form": {"oid": 23, "name": "int4", "kind": "scalar"}}])"));
  ASSERT_TRUE(change);
  EXPECT_EQ(change->relation.columns.at(0).missing, "7");
}

TEST(SchemaChange, AnErrorSaysWhatIsWrong) {
  auto refused = [](const std::string& content) {
    auto change = parse_schema_change(content);
    EXPECT_FALSE(change) << content;
    return change ? "" : change.error().message;
  };
  EXPECT_EQ(refused("[]"), "not a JSON object");
  EXPECT_EQ(refused(R"({"command": "c", "sql": "s", "xid": 1, "top": 2})"), "it has no marks");
  for (const char* marks : {"7", "[]", "null", "\"x\""}) {
    EXPECT_EQ(refused(message_of(marks)), "its marks are none") << marks;
  }
  const std::string begin = R"({"command": "c", "sql": "s", "xid": 1, "top": 2, "marks": {})";
  EXPECT_EQ(refused(begin + "}"), "it names no table");
  EXPECT_EQ(refused(begin + R"(, "table": []})"), "it names no table");
  EXPECT_EQ(refused(message_of("{}", "[]", R"(, "identity": "dn")")),
            "the replica identity is not one that PostgreSQL has");
  EXPECT_EQ(refused(message_of(R"({"unseen_since": {"time": 1, "position": "x"}})")),
            "it names no position");
}

TEST(SchemaChange, OfADroppedTableOnlyTheCommandIsStored) {
  auto change = parse_schema_change(message_of(R"({"dropped": true})"));
  ASSERT_TRUE(change);
  EXPECT_EQ(schema_change_json(*change), R"({"command":"c","sql":"s"})");
}

TEST(SchemaChange, TextIsStoredAsItIs) {
  change::Relation relation;
  relation.schema = "ä";
  relation.table = "\xFF";
  EXPECT_EQ(schema_json(relation, {}),
            "{\"columns\":[],\"primary_key\":[],\"schema\":\"ä\",\"table\":\"\uFFFD\"}");
}

}  // namespace
}  // namespace bemi::decode
