// SPDX-License-Identifier: LGPL-3.0-or-later
// The texts that are stored of a row: `before`, `after`, `primary_key`, `exact`, `fidelity`.
#include "decode/row.hpp"

#include <gtest/gtest.h>

#include "base/limits.hpp"

namespace bemi::decode {
namespace {

constexpr change::Oid int4 = 23;
constexpr change::Oid float8 = 701;
constexpr change::Oid text_oid = 25;

change::Column column(const std::string& name, change::Oid type, bool in_identity = false) {
  static const change::TypeCatalog types;
  return {.name = name, .type_oid = type, .in_identity = in_identity, .type = types.find(type)};
}

// id is the key.
change::Relation todo() {
  return {.oid = 16384,
          .schema = "public",
          .table = "todo",
          .columns = {column("id", int4, true), column("task", text_oid), column("size", float8)},
          .primary_key = {0}};
}

Value text(std::string_view bytes) { return {.kind = Value::Kind::text, .text = bytes}; }
constexpr Value null{};
constexpr Value unchanged{.kind = Value::Kind::unchanged, .text = {}};

struct Written {
  std::string row;
  std::string exact;
  std::string fidelity;
};

struct Asked {
  const Tuple* old = nullptr;
  bool key_only = false;
  Side side = Side::after;
};

Written write(const change::Relation& relation, const Tuple& tuple, const Asked& asked = {}) {
  Written written;
  RowRemarks remarks;
  append_row(written.row, relation, tuple, asked.old, asked.key_only, asked.side, remarks);
  written.exact = remarks.exact.text();
  written.fidelity = remarks.fidelity.text();
  return written;
}

// "-" when there is none; then nothing may be left in the text.
std::string key_of(const change::Relation& relation, const Tuple& tuple,
                   const Tuple* old = nullptr) {
  std::string key;
  bool has = append_primary_key(key, relation, tuple, old);
  EXPECT_TRUE(has || key.empty());
  return has ? key : "-";
}

TEST(Row, IsAnObjectOfTheColumnsInOrder) {
  Written written = write(todo(), {text("7"), text("say \"hi\""), text("1.5")});
  EXPECT_EQ(written.row, R"({"id":7,"task":"say \"hi\"","size":1.5})");
  EXPECT_EQ(written.exact, "");
  EXPECT_EQ(written.fidelity, "");
}

TEST(Row, TellsNullFromTheEmptyText) {
  EXPECT_EQ(write(todo(), {text("7"), null, null}).row, R"({"id":7,"task":null,"size":null})");
  EXPECT_EQ(write(todo(), {text("7"), text(""), null}).row, R"({"id":7,"task":"","size":null})");
}

TEST(Row, WithoutColumnsIsAnEmptyObject) { EXPECT_EQ(write({.columns = {}}, {}).row, "{}"); }

TEST(Row, KeepsTheExactTextOfWhatJsonCannotHoldBySide) {
  Tuple tuple{text("7"), null, text("-0")};
  EXPECT_EQ(write(todo(), tuple).exact, R"({"after":{"size":"-0"}})");
  EXPECT_EQ(write(todo(), tuple, {.side = Side::before}).exact, R"({"before":{"size":"-0"}})");
}

TEST(Row, TakesAnUnchangedValueFromTheOldRow) {
  Tuple old{text("7"), text("long"), text("1")};
  Written written = write(todo(), {text("7"), unchanged, text("2")}, {.old = &old});
  EXPECT_EQ(written.row, R"({"id":7,"task":"long","size":2})");
  EXPECT_EQ(written.fidelity, "");
}

TEST(Row, LeavesOutAnUnchangedValueThatNobodySent) {
  Tuple tuple{text("7"), unchanged, text("2")};
  Written written = write(todo(), tuple);
  EXPECT_EQ(written.row, R"({"id":7,"size":2})");
  EXPECT_EQ(written.fidelity, R"({"after":{"task":"unknown"}})");
  // An old row that has no text there knows no more.
  for (Value of_old : {null, unchanged}) {
    Tuple old{text("7"), of_old, text("1")};
    written = write(todo(), tuple, {.old = &old});
    EXPECT_EQ(written.row, R"({"id":7,"size":2})");
    EXPECT_EQ(written.fidelity, R"({"after":{"task":"unknown"}})");
  }
}

TEST(Row, NeverHoldsARedactedValue) {
  change::Relation relation = todo();
  relation.columns[1].redacted = true;
  relation.columns[2].redacted = true;
  Written written = write(relation, {text("7"), text("secret"), text("-0")});
  EXPECT_EQ(written.row, R"({"id":7})");
  EXPECT_EQ(written.exact, "");
  EXPECT_EQ(written.fidelity, R"({"after":{"task":"redacted","size":"redacted"}})");
}

TEST(Row, OfTheKeyAloneHasTheIdentityAlone) {
  change::Relation relation = todo();
  relation.unsent = {"total"};
  relation.columns[1].redacted = true;
  Written written =
      write(relation, {text("7"), null, null}, {.key_only = true, .side = Side::before});
  EXPECT_EQ(written.row, R"({"id":7})");
  EXPECT_EQ(written.fidelity, "");
}

TEST(Row, RemarksColumnsThatTheStreamNeverSends) {
  change::Relation relation = todo();
  relation.unsent = {"total"};
  Written written = write(relation, {text("7"), null, null}, {.side = Side::before});
  EXPECT_EQ(written.fidelity, R"({"before":{"total":"unknown"}})");
}

TEST(Row, WritesTextOfUnknownEncodingReadably) {
  change::Relation relation = todo();
  relation.columns[1].unchecked = true;
  Tuple latin1{text("7"), text("caf\xE9\x7F\x80"), null};
  Written written = write(relation, latin1);
  EXPECT_EQ(written.row, "{\"id\":7,\"task\":\"caf\\\\xE9\x7F\\\\x80\",\"size\":null}");
  EXPECT_EQ(written.fidelity, R"({"after":{"task":"unknown"}})");
  Written checked = write(relation, {text("7"), text("café"), null});
  EXPECT_EQ(checked.row, R"({"id":7,"task":"café","size":null})");
  EXPECT_EQ(checked.fidelity, "");
}

TEST(Row, GrowsOnceWhenItIsLarge) {
  std::string large((1UL << 20) + 1, 'x');
  Written written = write(todo(), {text("7"), text(large), null});
  EXPECT_EQ(written.row, R"({"id":7,"task":")" + large + R"(","size":null})");
}

TEST(Remarks, HoldBothSides) {
  Remarks remarks;
  EXPECT_TRUE(remarks.empty());
  remarks.add("after", "b", "2");
  EXPECT_FALSE(remarks.empty());
  EXPECT_EQ(remarks.text(), R"({"after":{"b":"2"}})");
  remarks.add("before", "a", "1");
  remarks.add("before", "c\"", "3");
  EXPECT_EQ(remarks.text(), R"({"before":{"a":"1","c\"":"3"},"after":{"b":"2"}})");
  Remarks of_before;
  of_before.add("before", "a", "1");
  EXPECT_FALSE(of_before.empty());
  EXPECT_EQ(of_before.text(), R"({"before":{"a":"1"}})");
}

TEST(PrimaryKey, OfOneColumnIsItsText) {
  EXPECT_EQ(key_of(todo(), {text("7"), text("x"), null}), "7");
  change::Relation relation = todo();
  relation.primary_key = {1};
  EXPECT_EQ(key_of(relation, {text("7"), text("a \"b\""), null}), "a \"b\"");
  EXPECT_EQ(key_of(relation, {text("7"), text(""), null}), "");
}

TEST(PrimaryKey, OfSeveralColumnsIsAnArrayOfTextsInKeyOrder) {
  change::Relation relation = todo();
  relation.primary_key = {1, 0};
  EXPECT_EQ(key_of(relation, {text("7"), text("a\"b"), null}), R"(["a\"b", "7"])");
  relation.primary_key = {1, 0, 2};
  EXPECT_EQ(key_of(relation, {text("7"), text(""), text("1.5")}), R"(["", "7", "1.5"])");
}

TEST(PrimaryKey, IsNoneWithoutAKeyOrWithoutItsValues) {
  change::Relation relation = todo();
  EXPECT_EQ(key_of(relation, {null, text("x"), null}), "-");
  EXPECT_EQ(key_of(relation, {unchanged, text("x"), null}), "-");
  relation.primary_key = {0, 1};
  EXPECT_EQ(key_of(relation, {text("7"), null, null}), "-");
  EXPECT_EQ(key_of(relation, {text("7"), unchanged, null}), "-");
  relation.primary_key = {};
  EXPECT_EQ(key_of(relation, {text("7"), text("x"), null}), "-");
}

TEST(PrimaryKey, TakesAnUnchangedPartFromTheOldRow) {
  change::Relation relation = todo();
  relation.primary_key = {0, 1};
  Tuple old{text("7"), text("long"), null};
  EXPECT_EQ(key_of(relation, {text("8"), unchanged, null}, &old), R"(["8", "long"])");
}

TEST(PrimaryKey, OfUnknownEncodingIsReadable) {
  change::Relation relation = todo();
  relation.columns[1].unchecked = true;
  relation.primary_key = {1};
  Tuple latin1{text("7"), text("caf\xE9"), null};
  EXPECT_EQ(key_of(relation, latin1), R"(caf\xE9)");
  relation.primary_key = {0, 1};
  EXPECT_EQ(key_of(relation, latin1), R"(["7", "caf\\xE9"])");
}

TEST(PrimaryKey, ThatIsTooLongForAnIndexHasAName) {
  std::string digits(base::limits::key_bytes_max, '7');
  change::Relation relation = todo();
  relation.primary_key = {1};
  EXPECT_EQ(key_of(relation, {text("7"), text(digits), null}), digits);
  digits += "7";
  std::string name = key_of(relation, {text("7"), text(digits), null});
  EXPECT_TRUE(name.starts_with(std::string(64, '7') + "…sha256:")) << name;
  relation.primary_key = {0, 1};
  std::string of_two = key_of(relation, {text("7"), text(digits), null});
  EXPECT_TRUE(of_two.starts_with("[\"…sha256:") && of_two.ends_with("\"]")) << of_two;
}

// A row's update is recorded though it set the values that were there: it was written.
TEST(Differs, AnUpdateThatChangesNothingCounts) {
  Tuple row{text("7"), text("a"), null};
  EXPECT_TRUE(differs(todo(), row, row));
}

TEST(Differs, IgnoredColumnsHideAnUpdateOfNothingElse) {
  change::Relation relation = todo();
  relation.columns[2].ignored = true;
  Tuple before{text("7"), text("a"), text("1")};
  EXPECT_FALSE(differs(relation, before, {text("7"), text("a"), text("2")}));
  EXPECT_FALSE(differs(relation, before, {text("7"), unchanged, text("2")}));
  EXPECT_TRUE(differs(relation, before, {text("7"), text("b"), text("1")}));
  EXPECT_TRUE(differs(relation, before, {text("7"), null, text("1")}));
  EXPECT_TRUE(differs(relation, {text("7"), null, text("1")}, {text("7"), text(""), text("1")}));
}

}  // namespace
}  // namespace bemi::decode
