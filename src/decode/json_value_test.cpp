// SPDX-License-Identifier: LGPL-3.0-or-later
// The oracle for these is the server's to_jsonb (tests/e2e/test_tracking.py); here stand the cases
// where JSON cannot give the text back.
#include "decode/json_value.hpp"

#include <gtest/gtest.h>

namespace bemi::decode {
namespace {

using change::JsonForm;
using change::Type;

struct Written {
  std::string json;
  bool exact;
  bool operator==(const Written&) const = default;
};

void PrintTo(const Written& written, std::ostream* out) {
  *out << written.json << (written.exact ? "" : " (not exact)");
}

Written write(const Type& type, std::string_view text) {
  std::string out;
  bool exact = append_json_value(out, type, text);
  return {out, exact};
}

Type scalar(JsonForm form) {
  return {.oid = 1, .name = "x", .form = form, .element = {}, .attributes = {}};
}

Type array_of(JsonForm form) {
  Type type = scalar(JsonForm::array);
  type.element = std::make_shared<const Type>(scalar(form));
  return type;
}

TEST(JsonValue, Numbers) {
  Type number = scalar(JsonForm::number);
  EXPECT_EQ(write(number, "1.50"), (Written{"1.50", true}));
  EXPECT_EQ(write(number, "-Infinity"), (Written{"\"-Infinity\"", true}));
  EXPECT_EQ(write(number, "NaN"), (Written{"\"NaN\"", true}));
  EXPECT_EQ(write(number, "-0"), (Written{"-0", false}));
  EXPECT_EQ(write(number, "-0.00"), (Written{"-0.00", false}));
  EXPECT_EQ(write(number, "0"), (Written{"0", true}));
  EXPECT_EQ(write(number, "-0.01"), (Written{"-0.01", true}));
  EXPECT_EQ(write(number, "9e+99"), (Written{"9e+99", true}));
  EXPECT_EQ(write(number, "-9"), (Written{"-9", true}));
  for (const char* none : {"", "-", "+1", ".5", "1x", "--1"}) {
    EXPECT_EQ(write(number, none), (Written{"\"" + std::string(none) + "\"", true}));
  }
}

TEST(JsonValue, JsonThatJsonbRefusesIsItsText) {
  Type json = scalar(JsonForm::json);
  EXPECT_EQ(write(json, R"({"a":"\u0000"})"), (Written{R"("{\"a\":\"\\u0000\"}")", false}));
  EXPECT_EQ(write(json, "null"), (Written{"null", false}));
}

TEST(JsonValue, JsonThatJsonbWritesOtherwiseIsNotExact) {
  Type json = scalar(JsonForm::json);
  Type jsonb = scalar(JsonForm::jsonb);
  for (const char* text :
       {R"({"a": 1, "b": [true, null, "x\n"], "aa": {}})", "[]", "1.50", R"("é")"}) {
    EXPECT_EQ(write(json, text), (Written{text, true}));
  }
  for (const char* text : {R"({"a":1})", R"({"aa": 1, "b": 2})", R"({"a": 1, "a": 2})", "1e3", "-0",
                           "[1 ,2]", " 1", "\"\\u00e9\"", R"("\/")"}) {
    EXPECT_EQ(write(json, text), (Written{text, false}));
    EXPECT_EQ(write(jsonb, text), (Written{text, true}));
  }
}

TEST(JsonValue, ARowOfAnotherWidthIsItsText) {
  Type pair = scalar(JsonForm::composite);
  auto text = std::make_shared<const Type>(scalar(JsonForm::text));
  pair.attributes = {{"a", text}, {"b", text}};
  EXPECT_EQ(write(pair, "(1,2)"), (Written{R"({"a":"1","b":"2"})", true}));
  EXPECT_EQ(write(pair, "(1,2,3)"), (Written{"\"(1,2,3)\"", true}));
  EXPECT_EQ(write(pair, "(1)"), (Written{"\"(1)\"", true}));
}

TEST(JsonValue, ARowsQuotesAreUndone) {
  Type pair = scalar(JsonForm::composite);
  auto text = std::make_shared<const Type>(scalar(JsonForm::text));
  pair.attributes = {{"a", text}, {"b", text}};
  EXPECT_EQ(write(pair, R"x(("1,2",")"))x"), (Written{R"x({"a":"1,2","b":")"})x", true}));
  EXPECT_EQ(write(pair, R"x(("say ""hi""","c:\\d"))x"),
            (Written{R"({"a":"say \"hi\"","b":"c:\\d"})", true}));
  EXPECT_EQ(write(pair, R"x((\",a\,b))x"), (Written{R"({"a":"\"","b":"a,b"})", true}));
  EXPECT_EQ(write(pair, R"x((,""))x"), (Written{R"({"a":null,"b":""})", true}));
  EXPECT_EQ(write(pair, R"x(("",""))x"), (Written{R"({"a":"","b":""})", true}));
  for (const char* broken : {"", "(", "(1", "(1,", "(1,2", R"x(("1,2))x", R"x((1,2\)x", "1,2)"}) {
    EXPECT_EQ(write(pair, broken).json.front(), '"') << broken;
  }
}

TEST(JsonValue, ARowIsAsExactAsItsFields) {
  Type pair = scalar(JsonForm::composite);
  pair.attributes = {{"n", std::make_shared<const Type>(scalar(JsonForm::number))},
                     {"h", std::make_shared<const Type>(scalar(JsonForm::hstore))}};
  EXPECT_EQ(write(pair, "(-0,)"), (Written{R"({"n":-0,"h":null})", false}));
  EXPECT_EQ(write(pair, "(1,)"), (Written{R"({"n":1,"h":null})", true}));
  EXPECT_EQ(write(pair, R"x((1,"""a""=>""b"""))x"), (Written{R"({"n":1,"h":{"a":"b"}})", false}));
}

TEST(JsonValue, Hstores) {
  Type hstore = scalar(JsonForm::hstore);
  EXPECT_EQ(write(hstore, ""), (Written{"{}", true}));
  EXPECT_EQ(write(hstore, R"("a"=>"1", "b"=>NULL, "c"=>"NULL")"),
            (Written{R"({"a":"1","b":null,"c":"NULL"})", true}));
  EXPECT_EQ(write(hstore, R"("a\"b"=>"c\\d")"), (Written{R"({"a\"b":"c\\d"})", true}));
  EXPECT_EQ(write(hstore, R"("a"=>"1","b"=>"2")").json.front(), '"');
}

TEST(JsonValue, Vectors) {
  Type vector = scalar(JsonForm::vector);
  vector.element = std::make_shared<const Type>(scalar(JsonForm::number));
  EXPECT_EQ(write(vector, "1 23 456"), (Written{"[1,23,456]", true}));
  EXPECT_EQ(write(vector, "7"), (Written{"[7]", true}));
  EXPECT_EQ(write(vector, ""), (Written{"[]", true}));
}

TEST(JsonValue, Booleans) {
  Type boolean = scalar(JsonForm::boolean);
  EXPECT_EQ(write(boolean, "t"), (Written{"true", true}));
  EXPECT_EQ(write(boolean, "f"), (Written{"false", true}));
}

TEST(JsonValue, AnArrayIsAsExactAsItsElements) {
  EXPECT_EQ(write(array_of(JsonForm::number), "{1,-0,2}"), (Written{"[1,-0,2]", false}));
  EXPECT_EQ(write(array_of(JsonForm::hstore), R"({"\"a\"=>\"b\""})"),
            (Written{R"([{"a":"b"}])", false}));
  EXPECT_EQ(write(array_of(JsonForm::jsonb), R"({"{}","[1]"})"), (Written{"[{},[1]]", false}));
  EXPECT_EQ(write(array_of(JsonForm::jsonb), R"({"{}",1})"), (Written{"[{},1]", true}));
  EXPECT_EQ(write(array_of(JsonForm::text), "{}"), (Written{"[]", true}));
  Type boxes = scalar(JsonForm::array);
  Type box = scalar(JsonForm::text);
  box.delimiter = ';';
  boxes.element = std::make_shared<const Type>(box);
  EXPECT_EQ(write(boxes, "{(1,1),(0,0);(2,2),(3,3)}"),
            (Written{R"x(["(1,1),(0,0)","(2,2),(3,3)"])x", true}));
}

TEST(JsonValue, Arrays) {
  Type texts = array_of(JsonForm::text);
  EXPECT_EQ(write(texts, R"({"a,b","\"q\"",NULL,"NULL",""})"),
            (Written{R"(["a,b","\"q\"",null,"NULL",""])", true}));
  Type numbers = array_of(JsonForm::number);
  EXPECT_EQ(write(numbers, "{{1,2},{3,NULL}}"), (Written{"[[1,2],[3,null]]", true}));
  EXPECT_EQ(write(numbers, "[5:6]={1,2}"), (Written{"[1,2]", false}));
}

TEST(JsonValue, TextThatDoesNotFitItsTypeIsAString) {
  for (const char* text : {"", "{", "{1", "{\"", "{1}}", "[", "[2:3]={", "[2:3]{1}", "{\"a\\"}) {
    Written written = write(array_of(JsonForm::number), text);
    EXPECT_EQ(written.json.front(), '"') << text;
  }
  EXPECT_EQ(write(scalar(JsonForm::boolean), "maybe").json, "\"maybe\"");
  for (const char* text : {"broken", "\")\x01", "\"a\"=>", "\"a\"=>\"b\"x", "\"a\"=>NULL,"}) {
    EXPECT_EQ(write(scalar(JsonForm::hstore), text).json.front(), '"') << text;
  }
  EXPECT_EQ(write(scalar(JsonForm::timestamp), "\x01 \"").json, R"("\u0001 \"")");
  EXPECT_EQ(write(scalar(JsonForm::number), "1\"").json, R"("1\"")");
}

TEST(JsonValue, Timestamps) {
  EXPECT_EQ(write(scalar(JsonForm::timestamptz), "2026-11-23 17:09:14.5+00").json,
            "\"2026-11-23T17:09:14.5+00:00\"");
  EXPECT_EQ(write(scalar(JsonForm::timestamp), "0044-03-15 10:00:00 BC").json,
            "\"0044-03-15T10:00:00 BC\"");
  EXPECT_EQ(write(scalar(JsonForm::timestamp), "infinity").json, "\"infinity\"");
}

}  // namespace
}  // namespace bemi::decode
