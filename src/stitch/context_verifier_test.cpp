// SPDX-License-Identifier: LGPL-3.0-or-later
// Whose signature is believed: the golden examples (made with the openssl program), and what only
// the order of messages and commits shows.
#include "stitch/context_verifier.hpp"

#include <fstream>

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "base/base64.hpp"
#include "stitch/context.hpp"
#include "stitch/limits.hpp"

namespace bemi::stitch {
namespace {

using nlohmann::json;

constexpr std::int64_t second = 1'000'000;
constexpr base::Timestamp noon{1'795'000'000 * second};
const std::string secret(32, 'k');

base::Timestamp after_noon(std::int64_t seconds) { return {noon.unix_us + seconds * second}; }

change::ContextKey key_of(const std::string& id, std::string_view bytes) {
  return {.id = id, .key = change::SigningKey::of(bytes)};
}

struct Said {
  std::int64_t number = 1;
  base::Timestamp at = noon;
  std::string session = "s1";
  std::string id = "web";
};

std::string message(const Said& said) {
  json own{{"v", 1},           {"kid", said.id},      {"aud", "shop"}, {"s", said.session},
           {"n", said.number}, {"t", said.at.unix_us}};
  std::string head = R"({"user_id":42,"_bemi":)" + own.dump();
  head.pop_back();
  std::string mac = change::hmac_sha256(change::SigningKey::of(secret),
                                        std::string_view("bemi/context/1\0", 15), head);
  return head + R"(,"mac":")" + base::base64(mac) + R"("}})";
}

// A stream of transactions, as the stitcher would feed them.
class Stream {
 public:
  Stream() : Stream({key_of("web", secret)}) {}
  explicit Stream(const std::vector<change::ContextKey>& keys) : verifier(keys, "shop") {}

  struct Transaction {
    decode::WireXid xid = 0;
    SignatureClaims claims;
    std::vector<SignatureMark> marks;

    [[nodiscard]] std::vector<std::optional<bool>> verdicts() const {
      std::vector<std::optional<bool>> found;
      for (SignatureMark mark : marks) found.push_back(claims.verdict(mark));
      return found;
    }
    [[nodiscard]] std::vector<std::string> faults() const {
      std::vector<std::string> found;
      for (const auto& fault : claims.faults) found.emplace_back(name(fault.fault));
      return found;
    }
  };

  void write(Transaction& into, const std::string& content) {
    auto context = read_context(content);
    ASSERT_TRUE(context);
    position.value += 10;
    into.marks.push_back(verifier.judge(context->reserved, position, into.xid, into.claims));
  }
  void commit(Transaction& transaction, base::Timestamp at) {
    position.value += 10;
    verifier.settle(transaction.claims, transaction.xid, at);
    verifier.note_commit(position, at);
  }
  Transaction begin() { return {.xid = ++xid, .claims = {}, .marks = {}}; }
  Transaction alone(const std::vector<Said>& messages, base::Timestamp at = noon) {
    Transaction made = begin();
    for (const Said& said : messages) write(made, message(said));
    commit(made, at);
    return made;
  }

  ContextVerifier verifier;
  change::Lsn position;
  decode::WireXid xid = 700;
};

using Verdicts = std::vector<std::optional<bool>>;
using Faults = std::vector<std::string>;

TEST(ContextVerifier, GoldenExamples) {
  std::ifstream file(BEMI_PROJECT_DIR "/contracts/examples/context/signing.json");
  json examples = json::parse(file);
  base::Timestamp committed_at{examples["committed_at"].get<std::int64_t>()};
  std::vector<change::ContextKey> keys;
  for (const auto& [id, text] : examples["keys"].items())
    keys.push_back(key_of(id, *base::from_base64(text.get<std::string>())));
  keys.at(1).from = committed_at;
  keys.at(1).until = {committed_at.unix_us + 60 * second};
  auto verdict_on = [&](const std::string& content) -> std::string {
    Stream stream(keys);
    stream.xid = static_cast<decode::WireXid>(examples["transaction_id"].get<std::uint64_t>()) - 1;
    // The commit before the message.
    stream.verifier.note_commit(stream.position, committed_at);
    Stream::Transaction transaction = stream.begin();
    stream.write(transaction, content);
    stream.commit(transaction, committed_at);
    auto verdict = transaction.verdicts().at(0);
    if (!verdict) return "not signed";
    return *verdict ? "verified" : transaction.faults().at(0);
  };
  for (const json& example : examples["judging"])
    EXPECT_EQ(verdict_on(example["message"]), example["verdict"]) << example["title"];
  for (const json& example : examples["signing"]) {
    std::string head = example["head"];
    std::string mac = example["mac"];
    EXPECT_EQ(example["message"], head + ",\"mac\":\"" + mac + "\"}}");
    auto context = read_context(example["message"].get<std::string>());
    ASSERT_TRUE(context && context->reserved.signature) << example["title"];
    EXPECT_EQ(context->reserved.signature->signed_bytes, head);
    EXPECT_EQ(context->reserved.signature->mac, mac);
    EXPECT_EQ(verdict_on(example["message"]), "verified") << example["title"];
  }
}

TEST(ContextVerifier, JudgesNothingWithoutKeys) {
  Stream stream(std::vector<change::ContextKey>{});
  EXPECT_EQ(stream.alone({{}}).verdicts(), Verdicts{std::nullopt});
  EXPECT_EQ(stream.verifier.remembered_sessions(), 0);
}

TEST(ContextVerifier, ASessionGoesOnFromTransactionToTransaction) {
  Stream stream;
  EXPECT_EQ(stream.alone({{.number = 1}, {.number = 2}}).verdicts(), (Verdicts{true, true}));
  EXPECT_EQ(stream.alone({{.number = 7}}).verdicts(), Verdicts{true});
  EXPECT_EQ(stream.alone({{.number = 1, .session = "s2"}}).verdicts(), Verdicts{true});
}

TEST(ContextVerifier, ANumberIsGoodForOneUse) {
  Stream stream;
  auto first = stream.alone({{.number = 5}});
  auto again = stream.alone({{.number = 5}});
  EXPECT_EQ(first.verdicts(), Verdicts{true});
  EXPECT_EQ(again.verdicts(), Verdicts{false});
  EXPECT_EQ(again.faults(), Faults{"replayed"});
  // It names who used it before: which of the two is the true one, nobody can tell.
  EXPECT_EQ(again.claims.faults.at(0).other_transaction, first.xid);
  EXPECT_EQ(stream.alone({{.number = 4}}).verdicts(), Verdicts{false});
  EXPECT_EQ(stream.alone({{.number = 6}}).verdicts(), Verdicts{true});
}

TEST(ContextVerifier, ANumberIsGoodForOneUseWithinATransaction) {
  Stream stream;
  auto made = stream.alone({{.number = 5}, {.number = 5}, {.number = 6}});
  EXPECT_EQ(made.verdicts(), (Verdicts{true, false, true}));
  EXPECT_EQ(made.faults(), Faults{"replayed"});
}

TEST(ContextVerifier, AFaultCountsItsMessages) {
  Stream stream;
  EXPECT_TRUE(stream.alone({{.number = 1}, {.number = 2}, {.number = 3}}).claims.faults.empty());
  auto again = stream.alone({{.number = 1}, {.number = 2}, {.number = 3}});
  ASSERT_EQ(again.claims.faults.size(), 1U);
  EXPECT_EQ(again.claims.faults[0].messages, 3);
  EXPECT_EQ(again.claims.faults[0].key_id, "web");
  auto within = stream.alone({{.number = 8}, {.number = 8}, {.number = 8}});
  ASSERT_EQ(within.claims.faults.size(), 1U);
  EXPECT_EQ(within.claims.faults[0].messages, 2);
  EXPECT_EQ(within.claims.faults[0].other_transaction, within.xid);
}

TEST(ContextVerifier, WhatIsSaidAgainCostsOthersNothing) {
  Stream stream;
  EXPECT_EQ(stream.alone({{.number = 5}}).verdicts(), Verdicts{true});
  auto mixed = stream.alone({{.number = 5}, {.number = 1, .session = "s2"}});
  EXPECT_EQ(mixed.verdicts(), (Verdicts{false, true}));
}

TEST(ContextVerifier, WhoCommitsFirstHasUsedIt) {
  Stream stream;
  auto slow = stream.begin();
  stream.write(slow, message({.number = 5}));
  auto quick = stream.alone({{.number = 5}});
  stream.commit(slow, noon);
  EXPECT_EQ(quick.verdicts(), Verdicts{true});
  EXPECT_EQ(slow.verdicts(), Verdicts{false});
  EXPECT_EQ(slow.claims.faults.at(0).other_transaction, quick.xid);
}

TEST(ContextVerifier, ATransactionMayBeOpenForLong) {
  Stream stream;
  stream.alone({{.number = 1, .session = "other"}}, noon);
  auto slow = stream.begin();
  stream.write(slow, message({.number = 1, .at = after_noon(60)}));
  for (int minute = 2; minute < 120; ++minute) {
    base::Timestamp at = after_noon(minute * 60L);
    stream.alone({{.number = minute, .at = at, .session = "other"}}, at);
  }
  stream.write(slow, message({.number = 2, .at = after_noon(7200)}));
  stream.commit(slow, after_noon(7200));
  EXPECT_EQ(slow.verdicts(), (Verdicts{true, true}));
}

TEST(ContextVerifier, WhatWasSignedLongBeforeItWasWrittenIsFalse) {
  Stream stream;
  for (int minute = 0; minute < 60; ++minute) {
    base::Timestamp at = after_noon(minute * 60L);
    stream.alone({{.number = minute, .at = at, .session = "other"}}, at);
  }
  // Its own transaction was rolled back, so its number is free.
  auto late = stream.alone({{.number = 1, .at = noon}}, after_noon(3600));
  EXPECT_EQ(late.verdicts(), Verdicts{false});
  EXPECT_EQ(late.faults(), Faults{"wrong time"});
  // It has not used up the number either.
  EXPECT_EQ(stream.alone({{.number = 1, .at = after_noon(3600)}}, after_noon(3600)).verdicts(),
            Verdicts{true});
}

TEST(ContextVerifier, AfterARestartADayIsTheLimit) {
  Stream stream;
  EXPECT_EQ(stream.alone({{.number = 1}}, after_noon(86'400)).verdicts(), Verdicts{true});
  Stream other;
  EXPECT_EQ(other.alone({{.number = 1}}, after_noon(86'401)).verdicts(), Verdicts{false});
}

TEST(ContextVerifier, TheSourcesClockMayStepBack) {
  Stream stream;
  stream.alone({{.number = 1}}, noon);
  base::Timestamp earlier = after_noon(-3600);
  // A step is noticed as one.
  EXPECT_EQ(stream.alone({{.number = 2, .at = earlier}}, earlier).verdicts(), Verdicts{false});
  EXPECT_EQ(stream.alone({{.number = 3, .at = earlier}}, earlier).verdicts(), Verdicts{true});
}

TEST(ContextVerifier, GoesOnFromWhatIsOnRecord) {
  Stream stream;
  stream.verifier.remember({{.key_id = "web", .session = "s1", .number = 5, .signed_at = noon}},
                           after_noon(-60));
  EXPECT_EQ(stream.alone({{.number = 5}}).verdicts(), Verdicts{false});
  EXPECT_EQ(stream.alone({{.number = 6}}).verdicts(), Verdicts{true});
  // What may have been forgotten.
  EXPECT_EQ(stream.alone({{.number = 9, .at = after_noon(-61), .session = "s9"}}).faults(),
            Faults{"wrong time"});
  EXPECT_EQ(stream.alone({{.number = 9, .at = after_noon(-60), .session = "s9"}}).verdicts(),
            Verdicts{true});
}

TEST(ContextVerifier, TwoKeysHoldWhileOneReplacesTheOther) {
  std::string second_secret(32, 'x');
  change::ContextKey old = key_of("web", secret);
  old.until = after_noon(1);
  Stream stream({key_of("web", second_secret), old, key_of("web-2", secret)});
  EXPECT_EQ(stream.alone({{.number = 1}, {.number = 1, .id = "web-2"}}).verdicts(),
            (Verdicts{true, true}));
  EXPECT_EQ(stream.alone({{.number = 2, .at = after_noon(1)}}).faults(), Faults{"expired key"});
}

TEST(ContextVerifier, RemembersABoundedNumberOfSessions) {
  Stream stream;
  std::vector<change::ContextSession> used;
  for (std::size_t i = 0; i <= limits::sessions_max; ++i) {
    used.push_back({.key_id = "web",
                    .session = std::to_string(i),
                    .number = 1,
                    .signed_at = {noon.unix_us + static_cast<std::int64_t>(i)}});
  }
  stream.verifier.remember(used, {});
  EXPECT_EQ(stream.alone({{.number = 2, .at = after_noon(1), .session = "5"}}).verdicts(),
            Verdicts{true});
  EXPECT_LE(stream.verifier.remembered_sessions(), limits::sessions_max / 2 + 2);
  // Forgotten or not, it is not believed again.
  for (const char* session : {"7", "99999"}) {
    std::int64_t at = noon.unix_us + std::atoi(session);  // lint-ok: a literal
    EXPECT_EQ(stream.alone({{.number = 1, .at = {at}, .session = session}}).verdicts(),
              Verdicts{false});
  }
}

TEST(ContextVerifier, ATransactionOfManySessionsIsBounded) {
  Stream stream;
  std::vector<Said> messages;
  for (std::size_t i = 0; i <= limits::sessions_per_transaction_max; ++i)
    messages.push_back({.session = std::to_string(i)});
  auto made = stream.alone(messages);
  EXPECT_EQ(made.verdicts().front(), true);
  EXPECT_EQ(made.verdicts().back(), false);
}

}  // namespace
}  // namespace bemi::stitch
