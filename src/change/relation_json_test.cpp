// SPDX-License-Identifier: LGPL-3.0-or-later
#include "change/relation_json.hpp"

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

namespace bemi::change {
namespace {

TEST(RelationJson, ColumnsComeBackAsTheyWere) {
  const char* columns =
      R"([{"form":{"kind":"scalar","name":"integer","oid":23},"name":"id","type":"integer",)"
      R"("type_modifier":-1,"type_oid":23},)"
      R"({"form":{"attributes":[{"form":{"kind":"scalar","name":"mood","oid":16390},"name":"m"}],)"
      R"("kind":"composite","name":"pair","oid":16400},"name":"p","type":"pair",)"
      R"("type_modifier":-1,"type_oid":16400},)"
      R"({"form":{"delimiter":";","element":{"delimiter":";","kind":"scalar","name":"box","oid":603},)"
      R"("kind":"array","name":"box[]","oid":1020},"name":"b","type":"box[]",)"
      R"("type_modifier":-1,"type_oid":1020}])";
  auto read = read_columns_text(columns);
  ASSERT_TRUE(read) << read.error().message;
  Relation relation{.columns = std::move(*read)};
  EXPECT_EQ(relation.columns[0].type->form, JsonForm::number);
  EXPECT_EQ(columns_json(relation), columns);
}

TEST(RelationJson, WhatIsKnownOfAColumnComesBack) {
  Relation relation{.columns = {{.name = "prénom", .type_oid = 25},
                                {.name = "price", .type_oid = 1700, .type_modifier = 655366},
                                {.name = "tags", .type_oid = 16500},
                                {.name = "keys", .type_oid = 22}}};
  relation.columns[0].redacted = true;
  relation.columns[0].redacted_by = "public.user.prénom";
  relation.columns[1].missing = "0.10";
  relation.columns[1].missing_exact = "0.100";
  relation.columns[2].number = 32767;
  relation.columns[2].type = make_type(
      {.oid = 16500, .name = "hstore", .form = JsonForm::hstore, .element = {}, .attributes = {}});
  const std::string text = columns_json(relation);
  EXPECT_NE(text.find("prénom"), std::string::npos);
  auto read = read_columns_text(text);
  ASSERT_TRUE(read) << read.error().message;
  EXPECT_TRUE((*read)[0].redacted);
  EXPECT_EQ((*read)[0].redacted_by, "public.user.prénom");
  EXPECT_FALSE((*read)[1].redacted);
  EXPECT_EQ((*read)[1].missing, "0.10");
  EXPECT_EQ((*read)[1].missing_exact, "0.100");
  EXPECT_EQ((*read)[1].type_modifier, 655366);
  EXPECT_EQ((*read)[2].type->form, JsonForm::hstore);
  EXPECT_EQ((*read)[2].number, 32767);
  EXPECT_EQ((*read)[3].type, nullptr);
  EXPECT_EQ(columns_json({.columns = *read}), text);
}

// The value that rows from before the column have is the column's, and as secret.
TEST(RelationJson, ARedactedColumnTellsNoValue) {
  Relation relation{.columns = {{.name = "pin", .type_oid = 25}}};
  relation.columns[0].redacted = true;
  relation.columns[0].redacted_by = "pin";
  relation.columns[0].missing = "\"1234\"";
  relation.columns[0].missing_exact = "1234";
  EXPECT_EQ(columns_json(relation).find("1234"), std::string::npos);
}

std::string column_with(const std::string& member, const std::string& value) {
  nlohmann::json column = {{"name", "id"}, {"type_oid", 23}, {"type_modifier", -1}};
  column[member] = nlohmann::json::parse(value);
  return nlohmann::json::array({column}).dump();
}

TEST(RelationJson, AMalformedColumnIsAnError) {
  EXPECT_FALSE(read_columns_text(R"([{"name": "id"}])"));
  EXPECT_FALSE(read_columns_text(R"({"a": {}})"));
  EXPECT_FALSE(read_columns_text("[1]"));
  EXPECT_FALSE(read_columns_text(std::string(200'000, '[')));
  for (const auto& [member, value] : std::vector<std::pair<std::string, std::string>>{
           {"name", "\"\""},
           {"name", "\"" + std::string(64, 'n') + "\""},
           {"name", R"("a\u0000")"},
           {"type_oid", "-1"},
           {"type_oid", "4294967296"},
           {"type_oid", "1.5"},
           {"type_modifier", "\"x\""},
           {"number", "99999"},
           {"number", "-1"},
           {"redacted", "1"},
           {"missing_exact", "[]"},
           {"missing", R"("1e999999")"},
           {"missing", R"("{")"},
           {"form", R"({"oid": 99999, "name": "x", "kind": "scalar", "delimiter": ""})"},
           {"form", R"({"oid": 99999, "name": "x", "kind": "scalar", "delimiter": "ab"})"},
           {"form", R"({"oid": 99999, "name": "x", "kind": "array"})"},
           {"form", R"({"oid": 99999, "name": "x", "kind": "composite", "attributes": [1]})"},
           {"form", R"({"oid": 99999, "name": "x", "kind": "composite"})"},
           {"form", R"({"oid": 99999, "name": "x", "kind": "composite", "attributes": {}})"},
           {"form", "3"}}) {
    EXPECT_FALSE(read_columns_text(column_with(member, value))) << member << " " << value;
  }
  EXPECT_TRUE(read_columns_text(column_with("number", "0")));
  EXPECT_TRUE(read_columns_text(column_with("name", "\"" + std::string(63, 'n') + "\"")));
}

TEST(RelationJson, ListsComeBackAsTheyWere) {
  EXPECT_EQ(*read_names(R"(["id", "prénom"])"), (std::vector<std::string>{"id", "prénom"}));
  EXPECT_EQ(*read_oids("[23, 4294967295]"), (std::vector<Oid>{23, 4294967295}));
  EXPECT_EQ(*read_names("[]"), std::vector<std::string>{});
  for (const char* bad : {"", "{}", "[1.5]", "[-1]", "[null]", R"([""])", "[[]]"}) {
    EXPECT_FALSE(read_names(bad)) << bad;
    EXPECT_FALSE(read_oids(bad)) << bad;
  }
}

TEST(RelationJson, ColumnsAreAsManyAsATableMayHave) {
  auto columns = [](std::size_t count) {
    nlohmann::json list = nlohmann::json::array();
    for (std::size_t i = 0; i < count; ++i)
      list.push_back({{"name", "c"}, {"type_oid", 23}, {"type_modifier", -1}});
    return list;
  };
  EXPECT_TRUE(read_columns(columns(1664)));
  EXPECT_FALSE(read_columns(columns(1665)));
}

// t1 has two of t0, t2 two of t1, ...: written out, the thirtieth has a billion parts.
TEST(RelationJson, TypesThatAreMadeOfTooMuchAreText) {
  auto type = make_type({.oid = 90'000, .name = "t0", .element = {}, .attributes = {}});
  for (int i = 1; i < 100; ++i) {
    type = make_type({.oid = static_cast<Oid>(90'000 + i),
                      .name = "t",
                      .form = JsonForm::composite,
                      .element = {},
                      .attributes = {{"a", type}, {"b", type}}});
  }
  Relation relation{.columns = {{.name = "c", .type = type}}};
  std::string text = columns_json(relation);
  EXPECT_LT(text.size(), 1'000'000U);
  EXPECT_TRUE(read_columns_text(text));
}

}  // namespace
}  // namespace bemi::change
