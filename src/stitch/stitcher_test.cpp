// SPDX-License-Identifier: LGPL-3.0-or-later
// Whole transactions out of messages, and messages that stand where they may not. The bytes are
// written after the manual, as in decode/pgoutput_test.cpp.
#include "stitch/stitcher.hpp"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include "base/limits.hpp"
#include "decode/signature.hpp"

namespace bemi::stitch {
namespace {

using namespace std::string_literals;
using base::ErrorKind;
using Xid = std::uint32_t;

std::string int32(std::uint32_t value) {
  std::string bytes;
  for (int shift = 24; shift >= 0; shift -= 8) bytes += static_cast<char>(value >> shift);
  return bytes;
}
std::string int64(std::uint64_t value) {
  return int32(static_cast<std::uint32_t>(value >> 32)) + int32(static_cast<std::uint32_t>(value));
}
std::string xid_bytes(Xid xid) { return xid == 0 ? "" : int32(xid); }

// `xid`: of a streamed block; 0: outside of one.
std::string insert(const std::string& value, Xid xid = 0) {
  return "I" + xid_bytes(xid) + int32(16384) + "N\0\1t"s +
         int32(static_cast<std::uint32_t>(value.size())) + value;
}
std::string type(Xid xid = 0) { return "Y" + xid_bytes(xid) + int32(9) + "public\0mood\0"s; }
std::string message(const std::string& prefix, const std::string& content, Xid xid = 0,
                    bool transactional = true) {
  return "M" + xid_bytes(xid) + (transactional ? "\1"s : "\0"s) + int64(0) + prefix + "\0"s +
         int32(static_cast<std::uint32_t>(content.size())) + content;
}
std::string begin(Xid xid) { return "B" + int64(0) + int64(0) + int32(xid); }
std::string commit(std::uint64_t end, std::uint64_t time = 0) {
  return "C\0"s + int64(0) + int64(end) + int64(time);
}
std::string stream_start(Xid xid) { return "S" + int32(xid) + "\1"; }
std::string stream_stop() { return "E"; }
std::string stream_commit(Xid xid, std::uint64_t end) {
  return "c" + int32(xid) + "\0"s + int64(0) + int64(end) + int64(0);
}
std::string stream_abort(Xid xid, Xid sub) { return "A" + int32(xid) + int32(sub); }
std::string origin() { return "O" + int64(0) + "up\0"s; }

const change::SigningKey key{.inner = std::string(64, 'i'), .outer = std::string(64, 'o')};

struct Told {
  Xid top = 0;
  Xid xid = 0;
  Xid streamed = 0;
};
std::string ddl(const Told& told) {
  std::string content =
      fmt::format(R"({{"command": "DROP TABLE", "sql": "drop table t", "xid": {}, "top": {}, )"
                  R"("marks": {{"dropped": true}}, "table": {{"oid": 16384, "schema": "public", )"
                  R"("table": "t", "identity": "d", "primary_key": [], "columns": []}}}})",
                  told.xid, told.top);
  return message("_bemi_schema", decode::signature_of(key, content) + content, told.streamed);
}

class Stitching : public testing::Test {
 protected:
  // Feeds the messages at rising positions. Returns the transaction that they complete, or null.
  base::Result<std::unique_ptr<Transaction>> feed(const std::vector<std::string>& messages) {
    base::Result<std::unique_ptr<Transaction>> last = nullptr;
    for (const std::string& bytes : messages) {
      last = stitcher_.feed({++position_}, bytes);
      if (!last || *last) return last;
    }
    return last;
  }

  std::unique_ptr<Transaction> whole(const std::vector<std::string>& messages) {
    auto transaction = feed(messages);
    if (!transaction) {
      ADD_FAILURE() << transaction.error().message;
      return nullptr;
    }
    EXPECT_NE(*transaction, nullptr);
    return std::move(*transaction);
  }

  void refuses(const std::vector<std::string>& messages, const std::string& what) {
    auto done = feed(messages);
    ASSERT_FALSE(done) << what;
    EXPECT_EQ(done.error().kind, ErrorKind::malformed_message);
    EXPECT_EQ(done.error().message, "the source sent out of place: " + what);
  }

  SpoolBudget budget_{"/tmp"};
  Stitcher stitcher_{budget_, key};
  std::uint64_t position_ = 100;
};

// The changes as "value context", other messages by a word.
std::vector<std::string> read(Transaction& transaction) {
  std::vector<std::string> seen;
  while (true) {
    auto next = transaction.next();
    if (!next) {
      ADD_FAILURE() << next.error().message;
      return seen;
    }
    if (!*next) return seen;
    const Stitched& stitched = **next;
    if (const auto* row = std::get_if<decode::Insert>(&stitched.message)) {
      seen.push_back(std::string(row->after.at(0).text) + " " + std::string(stitched.context));
    } else if (std::holds_alternative<decode::TypeMessage>(stitched.message)) {
      seen.emplace_back("type" + std::string(stitched.context));
    } else if (std::holds_alternative<decode::LogicalMessage>(stitched.message)) {
      seen.emplace_back("ddl " + std::string(stitched.context));
    } else {
      seen.emplace_back("?");
    }
  }
}
std::vector<std::string> read(const std::unique_ptr<Transaction>& transaction) {
  return transaction ? read(*transaction) : std::vector<std::string>{"none"};
}

using Seen = std::vector<std::string>;

TEST_F(Stitching, ATransactionHasItsChangesInOrderAndItsCommit) {
  EXPECT_TRUE(stitcher_.between_transactions());
  ASSERT_TRUE(feed({begin(7), insert("a")}));
  EXPECT_FALSE(stitcher_.between_transactions());
  auto transaction = whole({type(), insert("b"), commit(500, 1'000'000)});
  EXPECT_TRUE(stitcher_.between_transactions());
  ASSERT_TRUE(transaction);
  EXPECT_EQ(transaction->xid, 7U);
  EXPECT_EQ(transaction->end_lsn.value, 500U);
  EXPECT_EQ(transaction->committed_at, base::Timestamp::from_postgres_us(1'000'000));
  EXPECT_FALSE(transaction->fence);
  EXPECT_FALSE(transaction->refused_counts.any());
  auto first = transaction->next();
  ASSERT_TRUE(first && *first);
  EXPECT_EQ((*first)->position.value, 102U);
  EXPECT_EQ(read(transaction), (Seen{"type", "b {}"}));
}

TEST_F(Stitching, AChangeTakesItsContext) {
  auto transaction = whole({begin(7), insert("a"), message("_bemi", R"({"n":1})"), insert("b"),
                            message("_bemi", R"({"n":2})"), insert("c"), commit(500)});
  EXPECT_EQ(read(transaction), (Seen{R"(a {"n":1})", R"(b {"n":1})", R"(c {"n":2})"}));
}

TEST_F(Stitching, TheContextNumberIsTheSameAsLongAsTheTextIs) {
  auto transaction = whole({begin(7), message("_bemi", R"({"n":1})"), insert("a"), insert("b"),
                            message("_bemi", R"({"n":2})"), insert("c"), commit(500)});
  std::vector<std::uint64_t> numbers;
  for (int i = 0; i < 3; ++i) numbers.push_back((**transaction->next()).context_number);
  EXPECT_EQ(numbers[0], numbers[1]);
  EXPECT_NE(numbers[1], numbers[2]);
}

TEST_F(Stitching, StreamedTransactionsAreHeldSideBySide) {
  ASSERT_TRUE(feed({stream_start(7), insert("a", 7), stream_stop(), stream_start(8), insert("x", 8),
                    stream_stop()}));
  EXPECT_EQ(stitcher_.open_transactions(), 2U);
  EXPECT_TRUE(stitcher_.between_transactions());
  ASSERT_TRUE(feed({stream_start(7), insert("b", 7)}));
  EXPECT_FALSE(stitcher_.between_transactions());
  ASSERT_TRUE(feed({stream_stop()}));
  auto seven = whole({stream_commit(7, 500)});
  ASSERT_TRUE(seven);
  EXPECT_EQ(seven->xid, 7U);
  EXPECT_EQ(seven->end_lsn.value, 500U);
  EXPECT_EQ(read(seven), (Seen{"a {}", "b {}"}));
  EXPECT_EQ(stitcher_.open_transactions(), 1U);
  EXPECT_EQ(read(whole({stream_commit(8, 600)})), Seen{"x {}"});
}

TEST_F(Stitching, AfterAStreamedBlockAWholeTransactionIsReadAsOne) {
  ASSERT_TRUE(feed({stream_start(7), insert("a", 7), stream_stop()}));
  EXPECT_EQ(read(whole({begin(8), insert("x"), commit(500)})), Seen{"x {}"});
}

TEST_F(Stitching, ARolledBackSavepointVanishesButNotItsDescriptions) {
  auto transaction =
      whole({stream_start(7), insert("a", 7), type(8), insert("b", 8), insert("c", 7),
             stream_stop(), stream_abort(7, 8), stream_commit(7, 500)});
  EXPECT_EQ(read(transaction), (Seen{"a {}", "type", "c {}"}));
}

TEST_F(Stitching, AnAbortedTransactionIsForgotten) {
  ASSERT_TRUE(feed({stream_start(7), insert("a", 7), stream_stop(), stream_abort(7, 7)}));
  EXPECT_EQ(stitcher_.open_transactions(), 0U);
  refuses({stream_commit(7, 500)}, "Stream Commit");
}

// The server also tells of what it never streamed.
TEST_F(Stitching, AnAbortOfAnUnknownTransactionChangesNothing) {
  ASSERT_TRUE(feed({stream_abort(7, 7), stream_abort(8, 9)}));
  EXPECT_EQ(stitcher_.open_transactions(), 0U);
}

TEST_F(Stitching, AMessageOutOfPlaceIsRefused) {
  refuses({""}, "an empty message");
  refuses({insert("a")}, "a change outside of a transaction");
  refuses({type()}, "a change outside of a transaction");
  refuses({commit(500)}, "Commit");
  refuses({stream_stop()}, "Stream Stop");
  refuses({stream_commit(7, 500)}, "Stream Commit");
  refuses({begin(7), begin(8)}, "Begin");
}

TEST_F(Stitching, WithinATransactionNothingElseBegins) {
  ASSERT_TRUE(feed({begin(7)}));
  refuses({stream_start(8)}, "Stream Start");
  refuses({stream_stop()}, "Stream Stop");
  refuses({stream_abort(8, 8)}, "Stream Abort");
  refuses({stream_commit(8, 500)}, "Stream Commit");
}

TEST_F(Stitching, WithinAStreamedBlockNothingElseBegins) {
  ASSERT_TRUE(feed({stream_start(7)}));
  refuses({begin(8)}, "Begin");
  refuses({commit(500)}, "Commit");
  refuses({stream_start(8)}, "Stream Start");
  refuses({stream_abort(7, 7)}, "Stream Abort");
  refuses({stream_commit(7, 500)}, "Stream Commit");
}

TEST_F(Stitching, ATornMessageIsAnError) {
  ASSERT_TRUE(feed({begin(7)}));
  auto torn = feed({"C"});
  ASSERT_FALSE(torn);
  EXPECT_EQ(torn.error().kind, ErrorKind::malformed_message);
}

TEST_F(Stitching, AnOriginChangesNothing) {
  EXPECT_EQ(read(whole({begin(7), origin(), insert("a"), commit(500)})), Seen{"a {}"});
}

TEST_F(Stitching, AFenceMakesProgressDurable) {
  auto transaction = whole({begin(7), message("_bemi_fence", ""), commit(500)});
  EXPECT_TRUE(transaction->fence);
  EXPECT_EQ(read(transaction), Seen{});
  transaction = whole({begin(7), message("_bemi_heartbeat", ""), commit(500)});
  EXPECT_FALSE(transaction->fence);
  EXPECT_FALSE(transaction->refused_counts.any());
}

TEST_F(Stitching, ASignalSaysNothing) {
  for (const char* prefix : {"_bemi_fence", "_bemi_heartbeat"}) {
    auto transaction = whole({begin(7), message(prefix, "x"), commit(500)});
    EXPECT_FALSE(transaction->fence);
    EXPECT_EQ(transaction->refused_counts.other, 1);
  }
}

TEST_F(Stitching, MessagesOfOtherProgramsAreIgnored) {
  auto transaction = whole({begin(7), message("other", "x"), message("_bem", "x"),
                            message("_bemix", "x"), message("other", "x", 0, false), commit(500)});
  EXPECT_FALSE(transaction->refused_counts.any());
  EXPECT_EQ(read(transaction), Seen{});
}

TEST_F(Stitching, AMessageThatFalselyClaimsToBeOursIsKeptAside) {
  auto transaction = whole({begin(7), message("_bemi_else", "what"), commit(500)});
  EXPECT_EQ(transaction->refused_counts.other, 1);
  ASSERT_EQ(transaction->refused.size(), 1U);
  EXPECT_EQ(transaction->refused[0].kind, change::MessageKind::other);
  EXPECT_EQ(transaction->refused[0].content, "what");
}

TEST_F(Stitching, AContextThatIsNoObjectIsKeptAside) {
  auto transaction = whole({begin(7), message("_bemi", "[1]"), insert("a"), commit(500)});
  EXPECT_EQ(transaction->refused_counts.context, 1);
  ASSERT_EQ(transaction->refused.size(), 1U);
  EXPECT_EQ(transaction->refused[0].kind, change::MessageKind::context);
  EXPECT_EQ(transaction->refused[0].content, "[1]");
  EXPECT_EQ(read(transaction), Seen{"a {}"});
}

TEST_F(Stitching, MessagesOutsideOfTransactionsAreCountedWithTheNext) {
  auto transaction =
      whole({message("_bemi", "{}", 0, false), message("_bemi_schema", "x", 0, false),
             message("_bemi_fence", "", 0, false), message("_bemi", "{}"), begin(7),
             message("_bemi_fence", "", 0, false), message("_bemi", R"({"n":1})", 0, false),
             insert("a"), commit(500)});
  EXPECT_EQ(transaction->refused_counts.context, 3);
  EXPECT_EQ(transaction->refused_counts.schema, 1);
  EXPECT_EQ(transaction->refused_counts.other, 2);
  EXPECT_FALSE(transaction->fence);
  EXPECT_TRUE(transaction->refused.empty());
  EXPECT_EQ(read(transaction), Seen{"a {}"});
  EXPECT_FALSE(whole({begin(8), commit(600)})->refused_counts.any());
}

TEST_F(Stitching, KeepsAFewOfManyRefusedMessagesAndTheirBeginnings) {
  ASSERT_TRUE(feed({begin(7)}));
  for (int i = 0; i < 20; ++i) ASSERT_TRUE(feed({message("_bemi_else", std::string(70'000, 'x'))}));
  auto transaction = whole({commit(500)});
  EXPECT_EQ(transaction->refused_counts.other, 20);
  EXPECT_EQ(transaction->refused.size(), 16U);
  EXPECT_EQ(transaction->refused[0].content, std::string(65'536, 'x'));
}

TEST_F(Stitching, DdlThatTheTriggersSignedIsAChange) {
  auto transaction =
      whole({begin(7), insert("a"), ddl({.top = 7, .xid = 7}), insert("b"), commit(500)});
  EXPECT_FALSE(transaction->refused_counts.any());
  EXPECT_EQ(read(transaction), (Seen{"a {}", "ddl {}", "b {}"}));
}

TEST_F(Stitching, DdlTakesItsContextAsEveryChangeDoes) {
  auto transaction = whole({begin(7), message("_bemi", R"({"n":1})"), ddl({.top = 7, .xid = 7}),
                            message("_bemi", R"({"n":2})"), insert("a"), commit(500)});
  EXPECT_EQ(read(transaction), (Seen{R"(ddl {"n":1})", R"(a {"n":2})"}));
}

TEST_F(Stitching, EveryKindOfChangeIsKept) {
  std::string row = "\0\1n"s;
  auto transaction =
      whole({begin(7), "U" + int32(16384) + "N" + row, "D" + int32(16384) + "K" + row,
             "T" + int32(1) + "\0"s + int32(16384), commit(500)});
  EXPECT_EQ(read(transaction), (Seen{"?", "?", "?"}));
}

TEST_F(Stitching, DdlOfAnotherTransactionIsNotBelieved) {
  auto transaction = whole({begin(7), ddl({.top = 6, .xid = 7}), commit(500)});
  EXPECT_EQ(transaction->refused_counts.schema, 1);
  EXPECT_EQ(read(transaction), Seen{});
}

TEST_F(Stitching, DdlThatNobodySignedIsNotBelieved) {
  std::string forged = message("_bemi_schema", std::string(64, 'a') + "{}");
  std::string torn = message("_bemi_schema", decode::signature_of(key, "{}") + "{}");
  auto transaction = whole({begin(7), forged, torn, commit(500)});
  EXPECT_EQ(transaction->refused_counts.schema, 2);
  EXPECT_EQ(transaction->refused[0].kind, change::MessageKind::schema);
  EXPECT_TRUE(transaction->refused[0].reason.contains("did not sign"));
  EXPECT_FALSE(transaction->refused[1].reason.contains("did not sign"));
  Stitcher keyless(budget_);
  ASSERT_TRUE(keyless.feed({1}, begin(7)));
  ASSERT_TRUE(keyless.feed({2}, ddl({.top = 7, .xid = 7})));
  auto believed_nothing = keyless.feed({3}, commit(500));
  ASSERT_TRUE(believed_nothing);
  EXPECT_EQ((*believed_nothing)->refused_counts.schema, 1);
}

TEST_F(Stitching, DdlThatIsTooLongIsNotBelieved) {
  std::string content(base::limits::schema_message_bytes_max + 1, ' ');
  auto transaction =
      whole({begin(7), message("_bemi_schema", decode::signature_of(key, content) + content),
             commit(500)});
  ASSERT_EQ(transaction->refused.size(), 1U);
  EXPECT_TRUE(transaction->refused[0].reason.contains("did not sign"));
}

TEST_F(Stitching, DdlInARolledBackSavepointVanishes) {
  auto transaction =
      whole({stream_start(7), insert("a", 7), ddl({.top = 7, .xid = 8, .streamed = 7}),
             insert("b", 7), stream_stop(), stream_abort(7, 8), stream_commit(7, 500)});
  EXPECT_EQ(read(transaction), (Seen{"a {}", "b {}"}));
}

// A message's position is the end of its record, where the next one begins: it stands before the
// changes there, and before the description that was sent with them.
TEST_F(Stitching, DdlStandsBeforeTheChangesOfItsPosition) {
  ASSERT_TRUE(stitcher_.feed({1}, begin(7)));
  ASSERT_TRUE(stitcher_.feed({10}, insert("a")));
  ASSERT_TRUE(stitcher_.feed({20}, type()));
  ASSERT_TRUE(stitcher_.feed({20}, insert("b")));
  ASSERT_TRUE(stitcher_.feed({20}, insert("c")));
  ASSERT_TRUE(stitcher_.feed({20}, ddl({.top = 7, .xid = 7})));
  ASSERT_TRUE(stitcher_.feed({30}, insert("d")));
  auto transaction = stitcher_.feed({40}, commit(500));
  ASSERT_TRUE(transaction);
  EXPECT_EQ(read(*transaction), (Seen{"a {}", "ddl {}", "type", "b {}", "c {}", "d {}"}));
}

TEST_F(Stitching, DdlWithoutAChangeAtItsPositionKeepsItsPlace) {
  ASSERT_TRUE(stitcher_.feed({1}, begin(7)));
  ASSERT_TRUE(stitcher_.feed({10}, insert("a")));
  ASSERT_TRUE(stitcher_.feed({15}, ddl({.top = 7, .xid = 7})));
  ASSERT_TRUE(stitcher_.feed({20}, insert("b")));
  auto transaction = stitcher_.feed({40}, commit(500));
  ASSERT_TRUE(transaction);
  EXPECT_EQ(read(*transaction), (Seen{"a {}", "ddl {}", "b {}"}));
}

}  // namespace
}  // namespace bemi::stitch
