// SPDX-License-Identifier: LGPL-3.0-or-later
// The messages are written here byte by byte after the manual; a live server's are the end-to-end
// tests' matter.
#include "decode/pgoutput.hpp"

#include <deque>

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

template <class M>
M as(const std::string& bytes, bool in_stream = false) {
  static std::deque<std::string> kept;  // views of what is returned point there
  auto message = parse(kept.emplace_back(bytes), in_stream);
  EXPECT_TRUE(message && std::holds_alternative<M>(*message));
  return message && std::holds_alternative<M>(*message) ? std::get<M>(*message) : M{};
}

TEST(Pgoutput, Commit) {
  auto commit = as<Commit>("C\0"s + int64(10) + int64(20) + int64(1'000'000));
  EXPECT_EQ(commit.commit_lsn.value, 10U);
  EXPECT_EQ(commit.end_lsn.value, 20U);
  EXPECT_EQ(commit.committed_at, base::Timestamp::from_postgres_us(1'000'000));
}

TEST(Pgoutput, StreamedBlocksAndTheirEnds) {
  auto start = as<StreamStart>("S" + int32(7) + "\1");
  EXPECT_EQ(start.xid, 7U);
  EXPECT_TRUE(start.first);
  EXPECT_FALSE(as<StreamStart>("S" + int32(7) + "\0"s).first);
  as<StreamStop>("E");
  auto commit = as<StreamCommit>("c" + int32(7) + "\0"s + int64(10) + int64(20) + int64(30));
  EXPECT_EQ(commit.xid, 7U);
  EXPECT_EQ(commit.commit_lsn.value, 10U);
  EXPECT_EQ(commit.end_lsn.value, 20U);
  EXPECT_EQ(commit.committed_at, base::Timestamp::from_postgres_us(30));
  auto abort = as<StreamAbort>("A" + int32(7) + int32(8));
  EXPECT_EQ(abort.xid, 7U);
  EXPECT_EQ(abort.subxid, 8U);
}

TEST(Pgoutput, OriginAndType) {
  auto origin = as<Origin>("O" + int64(10) + "up\0"s);
  EXPECT_EQ(origin.commit_lsn.value, 10U);
  EXPECT_EQ(origin.name, "up");
  auto type = as<TypeMessage>("Y" + int32(9) + int32(16390) + "public\0mood\0"s, true);
  EXPECT_EQ(type.xid, 9U);
  EXPECT_EQ(type.oid, 16390U);
  EXPECT_EQ(type.schema, "public");
  EXPECT_EQ(type.name, "mood");
}

TEST(Pgoutput, InsertOutsideOfAStreamHasNoXid) {
  auto insert = as<Insert>("I" + int32(16384) + "N" + int16(2) + text("") + "n");
  EXPECT_EQ(insert.xid, 0U);
  EXPECT_EQ(insert.relation, 16384U);
  ASSERT_EQ(insert.after.size(), 2U);
  EXPECT_EQ(insert.after[0].kind, Value::Kind::text);
  EXPECT_EQ(insert.after[0].text, "");
  EXPECT_EQ(insert.after[1].kind, Value::Kind::null);
}

TEST(Pgoutput, UpdateWithItsOldKeyOrNothing) {
  auto by_key =
      as<Update>("U" + int32(16384) + "K" + int16(1) + text("1") + "N" + int16(1) + text("2"));
  EXPECT_EQ(by_key.relation, 16384U);
  EXPECT_EQ(by_key.old_kind, OldKind::key);
  EXPECT_EQ(by_key.before.at(0).text, "1");
  EXPECT_EQ(by_key.after.at(0).text, "2");
  auto bare = as<Update>("U" + int32(16384) + "N" + int16(1) + text("2"));
  EXPECT_EQ(bare.old_kind, OldKind::none);
  EXPECT_TRUE(bare.before.empty());
}

// Both rows are read by the same columns.
TEST(Pgoutput, UpdateWithRowsOfDifferentWidthIsAnError) {
  for (const char* kind : {"K", "O"}) {
    auto wider = parse("U" + int32(1) + kind + int16(1) + "n" + "N" + int16(2) + "nn", false);
    ASSERT_FALSE(wider);
    EXPECT_TRUE(wider.error().message.contains("different width"));
    EXPECT_FALSE(parse("U" + int32(1) + kind + int16(2) + "nn" + "N" + int16(1) + "n", false));
  }
}

TEST(Pgoutput, DeleteByKeyOrWithItsWholeRow) {
  auto by_key = as<Delete>("D" + int32(9) + int32(16384) + "K" + int16(1) + text("1"), true);
  EXPECT_EQ(by_key.xid, 9U);
  EXPECT_EQ(by_key.relation, 16384U);
  EXPECT_EQ(by_key.old_kind, OldKind::key);
  EXPECT_EQ(by_key.before.at(0).text, "1");
  EXPECT_EQ(as<Delete>("D" + int32(1) + "O" + int16(0)).old_kind, OldKind::full);
}

TEST(Pgoutput, TruncateOfSeveralTables) {
  auto plain = as<Truncate>("T" + int32(9) + int32(2) + "\0"s + int32(5) + int32(6), true);
  EXPECT_EQ(plain.xid, 9U);
  EXPECT_EQ(plain.relations, (std::vector<change::Oid>{5, 6}));
  EXPECT_FALSE(plain.cascade || plain.restart_identity);
  auto cascade = as<Truncate>("T" + int32(0) + "\1");
  EXPECT_TRUE(cascade.cascade && !cascade.restart_identity);
  auto restart = as<Truncate>("T" + int32(0) + "\2");
  EXPECT_TRUE(restart.restart_identity && !restart.cascade);
}

TEST(Pgoutput, LogicalMessage) {
  auto message =
      as<LogicalMessage>("M" + int32(9) + "\1" + int64(10) + "_bemi\0"s + int32(2) + "{}", true);
  EXPECT_EQ(message.xid, 9U);
  EXPECT_TRUE(message.transactional);
  EXPECT_EQ(message.lsn.value, 10U);
  EXPECT_EQ(message.prefix, "_bemi");
  EXPECT_EQ(message.content, "{}");
  EXPECT_FALSE(as<LogicalMessage>("M\0"s + int64(10) + "\0"s + int32(0)).transactional);
}

TEST(Pgoutput, RelationSaysWhatIdentifiesARow) {
  std::string head = "R" + int32(9) + int32(16384) + "\0t\0"s;
  auto relation = as<RelationMessage>(
      head + "i" + int16(2) + "\1a\0"s + int32(23) + int32(5) + "\2b\0"s + int32(25) + int32(6),
      true);
  EXPECT_EQ(relation.xid, 9U);
  EXPECT_EQ(relation.relation.oid, 16384U);
  EXPECT_EQ(relation.relation.schema, "pg_catalog") << "which is sent without its name";
  EXPECT_EQ(relation.relation.identity, change::ReplicaIdentity::index);
  EXPECT_TRUE(relation.relation.columns.at(0).in_identity);
  EXPECT_FALSE(relation.relation.columns.at(1).in_identity);
  EXPECT_EQ(relation.relation.columns.at(1).type_oid, 25U);
  EXPECT_EQ(relation.relation.columns.at(1).type_modifier, 6);
  EXPECT_FALSE(parse(head + "x" + int16(0), true));
}

TEST(Pgoutput, ARowThatNamesNoKindIsAnError) {
  EXPECT_FALSE(parse("I" + int32(1) + "O" + int16(0), false));
  EXPECT_FALSE(parse("U" + int32(1) + "X" + int16(0), false));
  EXPECT_FALSE(parse("U" + int32(1) + "K" + int16(0) + "K" + int16(0), false));
  EXPECT_FALSE(parse("U" + int32(1) + "K" + int16(1) + "b" + "N" + int16(1) + "n", false));
  EXPECT_FALSE(parse("D" + int32(1) + "K" + int16(1) + "b", false));
  auto unknown = parse("?", false);
  ASSERT_FALSE(unknown);
  EXPECT_EQ(unknown.error().message, "the source sent a malformed message: unknown type");
  auto torn = parse("B", false);
  EXPECT_EQ(torn.error().message, "the source sent a malformed message: it ends too early");
}

TEST(Pgoutput, UnknownTypesAndKindsAreErrors) {
  EXPECT_FALSE(parse("?", false));
  EXPECT_FALSE(parse("I" + int32(1) + "N" + int16(1) + "b" + int32(0), false));
  EXPECT_FALSE(parse("D" + int32(1) + "N" + int16(0), false));
}

}  // namespace
}  // namespace bemi::decode
