// SPDX-License-Identifier: LGPL-3.0-or-later
#include "base/json.hpp"

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

namespace bemi::base {
namespace {

std::string quoted(std::string_view text) {
  std::string out;
  append_json_string(out, text);
  return out;
}

TEST(JsonString, EscapesWhatJsonMustEscape) {
  EXPECT_EQ(quoted("a\"b\\c\n\t\x01é"), R"("a\"b\\c\n\t\u0001é")");
}

TEST(JsonString, EscapesAtEveryPlaceOfALongText) {
  for (std::size_t at = 0; at < 40; ++at) {
    for (char special : {'"', '\\', '\n', '\x1f', '\0'}) {
      std::string text(40, 'x');
      text[at] = special;
      std::string json;
      append_json_string(json, text);
      EXPECT_EQ(nlohmann::json::parse(json).get<std::string>(), text) << at << " " << int{special};
    }
  }
  std::string json;
  append_json_string(json, "\xc3\xa9\xf0\x9f\x98\x80 and more of it");
  EXPECT_EQ(json, "\"\xc3\xa9\xf0\x9f\x98\x80 and more of it\"");
}

TEST(JsonScan, TakesWhatJsonbTakes) {
  for (const char* text : {"{}", R"( {"a": [1, -2.5e3, null, true, "\ud83d\ude00"]} )"}) {
    EXPECT_TRUE(scan_json_object(text, {}).fits_jsonb) << text;
  }
}

TEST(JsonScan, OrdersKeysByWhatTheyMean) {
  EXPECT_TRUE(scan_json_object(R"({"b": 1, "aa": 2})", "").as_jsonb_prints);
  EXPECT_FALSE(scan_json_object(R"({"aa": 1, "b": 2})", "").as_jsonb_prints);
  EXPECT_TRUE(scan_json_object(R"({"\\": 1})", "").as_jsonb_prints);
  EXPECT_FALSE(scan_json_object(R"({"aaa": 1, "\\": 2})", "").as_jsonb_prints)
      << "two characters, written as four";
}

TEST(JsonScan, RefusesWhatIsNoObject) {
  for (const char* text : {"", "[]", "1", "{", "{\"a\":}", "{\"a\" 1}", "{'a':1}", "{\"a\":01}",
                           "{\"a\":1,}", "{} x", "{\"a\":\"\x01\"}", "{\"a\":\"\xff\"}"}) {
    EXPECT_FALSE(scan_json_object(text, {}).object) << text;
  }
}

TEST(JsonScan, KnowsWhatJsonbRefuses) {
  for (const char* text : {R"({"a":"\u0000"})", R"({"a":"\ud800"})", R"({"a":"\ude00x"})",
                           R"({"a":1e131073})", R"({"a":1e-20000})"}) {
    JsonScan scan = scan_json_object(text, {});
    EXPECT_TRUE(scan.object) << text;
    EXPECT_FALSE(scan.fits_jsonb) << text;
  }
}

TEST(JsonScan, RefusesToFallIntoDepth) {
  std::string deep = "{\"a\":" + std::string(100'000, '[') + std::string(100'000, ']') + "}";
  EXPECT_FALSE(scan_json_object(deep, {}).object);
}

TEST(JsonScan, CutsAMemberOut) {
  for (std::string text : {R"({"_bemi":{"v":1},"a":1})", R"({"a":1,"_bemi":{"v":1}})"}) {
    JsonScan scan = scan_json_object(text, "_bemi");
    ASSERT_TRUE(scan.member);
    EXPECT_EQ(scan.member->value, R"({"v":1})");
    text.erase(scan.member->begin, scan.member->end - scan.member->begin);
    EXPECT_EQ(text, R"({"a":1})");
  }
  std::string only = R"({"_bemi":1})";
  JsonScan scan = scan_json_object(only, "_bemi");
  ASSERT_TRUE(scan.member);
  only.erase(scan.member->begin, scan.member->end - scan.member->begin);
  EXPECT_EQ(only, "{}");
}

TEST(Json, MembersByRawKey) {
  JsonMembers members = json_members(R"({"a": 1.50, "b\"c": {"a": 2}, "": [1, "}"]})");
  EXPECT_EQ(members.size(), 3U);
  EXPECT_EQ(members["\"a\""], "1.50");
  EXPECT_EQ(members[R"("b\"c")"], R"({"a": 2})");
  EXPECT_EQ(members["\"\""], R"([1, "}"])");
  EXPECT_TRUE(json_members("{}").empty());
}

}  // namespace
}  // namespace bemi::base
