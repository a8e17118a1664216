// SPDX-License-Identifier: LGPL-3.0-or-later
// The messages are written here byte by byte after the manual; a live server's are the end-to-end
// tests' matter.
#include "decode/pgoutput.hpp"

#include <gtest/gtest.h>

namespace bemi::decode {
namespace {

using namespace std::string_literals;

std::string int16(int value) { return {static_cast<char>(value >> 8), static_cast<char>(value)}; }
std::string int32(unsigned value) {
  return int16(static_cast<int>(value >> 16)) + int16(static_cast<int>(value & 0xffff));
}
std::string int64(std::uint64_t value) {
  return int32(static_cast<unsigned>(value >> 32)) + int32(static_cast<unsigned>(value));
}
std::string text(const std::string& value) {
  return "t" + int32(static_cast<unsigned>(value.size())) + value;
}

TEST(Pgoutput, Begin) {
  auto message = parse("B" + int64(0x16B374D848) + int64(1'000'000) + int32(755), false);
  ASSERT_TRUE(message);
  const auto& begin = std::get<Begin>(*message);
  EXPECT_EQ(begin.commit_lsn.value, 0x16B374D848U);
  EXPECT_EQ(begin.committed_at, base::Timestamp::from_postgres_us(1'000'000));
  EXPECT_EQ(begin.xid, 755U);
}

TEST(Pgoutput, UpdateWithWholeOldRowAndUnchangedToast) {
  std::string bytes = "U" + int32(9) + int32(16384) + "O" + int16(2) + text("1") + text("long") +
                      "N" + int16(2) + "n" + "u";
  auto message = parse(bytes, /*in_stream=*/true);
  ASSERT_TRUE(message);
  const auto& update = std::get<Update>(*message);
  EXPECT_EQ(update.xid, 9U);
  EXPECT_EQ(update.old_kind, OldKind::full);
  EXPECT_EQ(update.before[1].text, "long");
  EXPECT_EQ(update.after[0].kind, Value::Kind::null);
  EXPECT_EQ(update.after[1].kind, Value::Kind::unchanged);
}

TEST(Pgoutput, RelationWithUtf8Names) {
  std::string bytes = "R" + int32(16384) + "schéma\0"s + "tàble\0"s + "f" + int16(1) + "\1"s +
                      "ключ\0"s + int32(23) + int32(0xffffffff);
  auto message = parse(bytes, false);
  ASSERT_TRUE(message);
  const auto& relation = std::get<RelationMessage>(*message).relation;
  EXPECT_EQ(relation.schema, "schéma");
  EXPECT_EQ(relation.columns.at(0).name, "ключ");
  EXPECT_EQ(relation.columns.at(0).type_modifier, -1);
}

TEST(Pgoutput, EveryPrefixOfAMessageIsAnErrorAndNoCrash) {
  std::string whole = "U" + int32(16384) + "O" + int16(1) + text("1") + "N" + int16(1) + text("2");
  ASSERT_TRUE(parse(whole, false));
  for (std::size_t length = 0; length < whole.size(); ++length) {
    auto message = parse(std::string_view(whole).substr(0, length), false);
    ASSERT_FALSE(message) << length;
    EXPECT_EQ(message.error().kind, base::ErrorKind::malformed_message);
  }
}

TEST(Pgoutput, UnknownTypesAndKindsAreErrors) {
  EXPECT_FALSE(parse("?", false));
  EXPECT_FALSE(parse("I" + int32(1) + "N" + int16(1) + "b" + int32(0), false));
  EXPECT_FALSE(parse("D" + int32(1) + "N" + int16(0), false));
}

}  // namespace
}  // namespace bemi::decode
