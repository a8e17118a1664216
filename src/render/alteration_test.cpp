// SPDX-License-Identifier: LGPL-3.0-or-later
#include "render/alteration.hpp"

#include <gtest/gtest.h>

namespace bemi::render {
namespace {

using change::Column;
using change::JsonForm;
using change::make_type;
using change::Relation;
using change::TypePtr;

constexpr change::Oid int4 = 23;
constexpr change::Oid text = 25;
constexpr change::Oid oid = 26;
constexpr change::Oid varchar = 1043;

TypePtr plain(change::Oid type, JsonForm form = JsonForm::text) {
  return make_type({.oid = type, .form = form});
}

Column column(const std::string& name, int number, TypePtr type = plain(int4)) {
  Column made;
  made.name = name;
  made.number = number;
  made.type = std::move(type);
  return made;
}

Relation table(std::vector<Column> columns, std::vector<std::size_t> key = {}) {
  Relation made;
  made.columns = std::move(columns);
  made.primary_key = std::move(key);
  return made;
}

Relation with_type(TypePtr type) { return table({column("v", 1, std::move(type))}); }

bool becomes_other(const TypePtr& known, const TypePtr& now) {
  return reads_otherwise(with_type(known), with_type(now));
}

TEST(Alteration, AKeyIsTheSameWhileItHasTheSameColumnsInTheSameOrder) {
  Relation known = table({column("a", 1), column("b", 2)}, {0, 1});
  EXPECT_TRUE(same_key(known, known));
  EXPECT_FALSE(same_key(known, table(known.columns, {1, 0})));
  EXPECT_FALSE(same_key(known, table(known.columns, {0})));
  EXPECT_FALSE(same_key(known, table(known.columns)));
  EXPECT_TRUE(same_key(table(known.columns), table({column("c", 3)})));
}

TEST(Alteration, AKeyColumnIsKnownByItsNumberIfAllNumbersAreKnown) {
  Relation known = table({column("a", 1)}, {0});
  EXPECT_TRUE(same_key(known, table({column("renamed", 1)}, {0})));
  EXPECT_FALSE(same_key(known, table({column("a", 2)}, {0})));
  // The column was moved within the list, which says nothing.
  EXPECT_TRUE(same_key(known, table({column("b", 2), column("a", 1)}, {1})));
}

TEST(Alteration, AKeyColumnIsKnownByItsNameIfANumberIsUnknown) {
  Relation known = table({column("a", 1), column("b", 2)}, {0});
  EXPECT_TRUE(same_key(known, table({column("a", 0), column("b", 0)}, {0})));
  EXPECT_TRUE(same_key(table({column("a", 9), column("b", 0)}, {0}), known));
  EXPECT_FALSE(same_key(known, table({column("renamed", 1), column("b", 0)}, {0})));
}

TEST(Alteration, TextAndVarcharReadTheSame) {
  EXPECT_FALSE(becomes_other(plain(text), plain(varchar)));
  EXPECT_FALSE(becomes_other(plain(varchar), plain(text)));
  EXPECT_TRUE(becomes_other(plain(text), plain(int4)));
  EXPECT_TRUE(becomes_other(plain(int4), plain(text)));
  EXPECT_FALSE(becomes_other(plain(int4), plain(int4)));
}

TEST(Alteration, AnotherTypeOrFormReadsOtherwise) {
  EXPECT_TRUE(becomes_other(plain(int4), plain(oid)));
  EXPECT_TRUE(becomes_other(plain(int4), plain(int4, JsonForm::number)));
}

TEST(Alteration, AnArrayReadsAsItsElementsDo) {
  auto array = [](TypePtr element) {
    return make_type({.oid = 1, .form = JsonForm::array, .element = std::move(element)});
  };
  EXPECT_FALSE(becomes_other(array(plain(text)), array(plain(varchar))));
  EXPECT_TRUE(becomes_other(array(plain(int4)), array(plain(oid))));
  EXPECT_FALSE(becomes_other(array(nullptr), array(plain(oid))));
  EXPECT_FALSE(becomes_other(array(plain(oid)), array(nullptr)));
}

TEST(Alteration, ACompositeReadsAsItsAttributesDo) {
  auto composite = [](std::vector<change::Attribute> attributes) -> TypePtr {
    return std::make_shared<change::Type>(
        change::Type{.oid = 1, .form = JsonForm::composite, .attributes = std::move(attributes)});
  };
  TypePtr known = composite({{"a", plain(text)}, {"b", plain(int4)}});
  EXPECT_FALSE(becomes_other(known, composite({{"a", plain(varchar)}, {"b", plain(int4)}})));
  EXPECT_TRUE(becomes_other(known, composite({{"a", plain(text)}, {"b", plain(oid)}})));
  EXPECT_TRUE(becomes_other(known, composite({{"a", plain(text)}, {"c", plain(int4)}})));
  EXPECT_TRUE(becomes_other(known, composite({{"a", plain(text)}})));
  EXPECT_TRUE(becomes_other(known, composite({{"b", plain(int4)}, {"a", plain(text)}})));
  // It cannot be compared: better read again.
  EXPECT_TRUE(becomes_other(composite({{"a", nullptr}}), composite({{"a", plain(text)}})));
  EXPECT_TRUE(becomes_other(composite({{"a", plain(text)}}), composite({{"a", nullptr}})));
}

TEST(Alteration, ColumnsAreComparedByTheirNumber) {
  Relation known = table({column("a", 1, plain(int4)), column("b", 2, plain(text))});
  EXPECT_FALSE(
      reads_otherwise(known, table({column("b2", 2, plain(text)), column("a2", 1, plain(int4))})));
  EXPECT_TRUE(reads_otherwise(known, table({column("a", 2, plain(int4))})));
  EXPECT_FALSE(reads_otherwise(known, table({column("new", 3, plain(oid))})));
}

TEST(Alteration, AColumnWithoutANumberOrATypeIsNotCompared) {
  EXPECT_FALSE(
      reads_otherwise(table({column("a", 0, plain(int4))}), table({column("a", 0, plain(oid))})));
  EXPECT_FALSE(reads_otherwise(with_type(nullptr), with_type(plain(oid))));
  EXPECT_FALSE(reads_otherwise(with_type(plain(oid)), with_type(nullptr)));
}

TEST(Alteration, AGeneratedColumnThatIsSentNowHasValuesThatNobodySent) {
  Relation known = table({column("a", 1)});
  known.unsent = {"g", "h"};
  EXPECT_FALSE(sends_more(known, table({column("a", 1)})));
  EXPECT_TRUE(sends_more(known, table({column("a", 1), column("h", 3)})));
  EXPECT_FALSE(sends_more(table({column("a", 1)}), table({column("a", 1), column("h", 3)})));
}

}  // namespace
}  // namespace bemi::render
