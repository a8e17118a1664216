// SPDX-License-Identifier: LGPL-3.0-or-later
#include "query/stored_key.hpp"

#include <gtest/gtest.h>

namespace bemi::query {
namespace {

using Keys = std::vector<std::vector<std::string>>;

const Keys one{{"id"}};
const Keys two{{"product_id", "warehouse"}};

std::string stored(const std::string& text, const Keys& keys) {
  auto key = stored_key(text, keys, "stock");
  return key ? *key : "error: " + key.error().message;
}

TEST(StoredKey, IsTheTextOfOneColumn) {
  for (const char* text : {"42", "", "a, b", "[1,2]", " spaced ", "x,"}) {
    EXPECT_EQ(stored(text, one), text);
    EXPECT_EQ(stored(text, {}), text);    // a table that is not known
    EXPECT_EQ(stored(text, {{}}), text);  // one without a key
  }
}

TEST(StoredKey, IsAnArrayOfTheTextsOfSeveral) {
  const std::string wanted = R"(["2756", "WAW-1"])";
  for (const char* text : {"2756,WAW-1", "2756, WAW-1", " 2756 , WAW-1 ", R"(["2756", "WAW-1"])",
                           R"(["2756","WAW-1"])", R"([2756, "WAW-1"])"}) {
    EXPECT_EQ(stored(text, two), wanted) << text;
  }
  EXPECT_EQ(stored(R"(["a, b", "say \"hi\""])", two), R"(["a, b", "say \"hi\""])");
  EXPECT_EQ(stored(",", two), R"(["", ""])");
  EXPECT_EQ(stored("[a,b", two), R"(["[a", "b"])");
  EXPECT_EQ(stored("[true, null]", two), R"(["true", "null"])");
}

TEST(StoredKey, OfAnotherNumberOfPartsIsAnError) {
  for (const char* text : {"2756", "", "1,2,3", R"(["2756"])", "[]"}) {
    auto key = stored_key(text, two, "stock");
    ASSERT_FALSE(key) << text;
    EXPECT_EQ(key.error().kind, base::ErrorKind::usage);
    EXPECT_EQ(key.error().message, "the key of stock has 2 columns: product_id, warehouse");
    EXPECT_EQ(key.error().hint,
              "write their values with commas between, or as JSON where a value has one: "
              R"(["product_id", "warehouse"])");
  }
}

TEST(StoredKey, IsWrittenSoThatItIsFoundAgain) {
  EXPECT_EQ(written_key("42"), "42");
  EXPECT_EQ(written_key(R"(["2756", "WAW-1"])"), "2756,WAW-1");
  EXPECT_EQ(written_key(R"(["say \"hi\"", "b c"])"), R"(say "hi",b c)");
  for (const char* kept : {R"(["a, b", "c"])", R"(["", "c"])", R"(["a ", "c"])", R"(["[a", "c"])",
                           R"(["alone"])", "[1, 2]", "[\"broken"}) {
    EXPECT_EQ(written_key(kept), kept);
  }
}

TEST(StoredKey, MayBeOneThatTheTableHadBefore) {
  const Keys widened{{"product_id", "warehouse"}, {"id"}};
  EXPECT_EQ(stored("42", widened), "42");
  EXPECT_EQ(stored("1,2", widened), R"(["1", "2"])");
  EXPECT_EQ(stored("1,2,3", widened), "1,2,3");
  const Keys narrowed{{"id"}, {"product_id", "warehouse"}};
  EXPECT_EQ(stored("a,b", narrowed), "a,b");
  EXPECT_EQ(stored(R"(["a", "b"])", narrowed), R"(["a", "b"])");
}

}  // namespace
}  // namespace bemi::query
