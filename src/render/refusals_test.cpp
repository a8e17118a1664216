// SPDX-License-Identifier: LGPL-3.0-or-later
#include "render/refusals.hpp"

#include <gtest/gtest.h>

#include "base/limits.hpp"

namespace bemi::render {
namespace {

using namespace std::chrono_literals;
using change::MessageKind;
namespace limits = base::limits;

const Refusals::Clock::time_point noon{100h};

class Refusing : public testing::Test {
 protected:
  // Returns what is kept of a transaction in which these messages were refused.
  change::Batch take(Refusals& refusals, std::vector<stitch::RefusedMessage> messages,
                     Refusals::Clock::time_point now = noon) {
    stitch::Transaction transaction(budget_);
    for (const stitch::RefusedMessage& message : messages)
      transaction.refused_counts.add(message.kind);
    transaction.refused = std::move(messages);
    BatchBuilder out({.id = 7});
    refusals.take(transaction, now, out);
    return out.take(/*last=*/true);
  }

  // Returns how many of `count` messages are kept.
  std::size_t kept(Refusals& refusals, std::size_t count, std::size_t bytes,
                   Refusals::Clock::time_point now = noon) {
    stitch::RefusedMessage one{.reason = "why", .content = std::string(bytes, 'x')};
    return take(refusals, std::vector(count, one), now).parked.size();
  }

  stitch::SpoolBudget budget_{"/tmp"};
};

TEST_F(Refusing, AreCountedAndKeptWithTheirReason) {
  Refusals refusals({}, /*redacts=*/false);
  change::Batch batch = take(refusals, {{MessageKind::context, "no object", "[1]"},
                                        {MessageKind::schema, "not signed", "{}"},
                                        {MessageKind::other, "nothing of ours", "x"}});
  EXPECT_EQ(batch.refused.context, 1);
  EXPECT_EQ(batch.refused.schema, 1);
  EXPECT_EQ(batch.refused.other, 1);
  ASSERT_EQ(batch.parked.size(), 3U);
  EXPECT_EQ(batch.parked[0].kind, MessageKind::context);
  EXPECT_EQ(batch.parked[0].reason, "no object");
  EXPECT_EQ(batch.parked[0].content, "[1]");
  EXPECT_EQ(batch.parked[2].kind, MessageKind::other);
}

TEST_F(Refusing, NothingIsNothing) {
  Refusals refusals({}, /*redacts=*/false);
  change::Batch batch = take(refusals, {});
  EXPECT_FALSE(batch.refused.any());
  EXPECT_TRUE(batch.parked.empty());
}

TEST_F(Refusing, KeepNoContentWhereValuesAreRedacted) {
  Refusals refusals({}, /*redacts=*/true);
  change::Batch batch = take(refusals, {{MessageKind::context, "no object", "secret"}});
  ASSERT_EQ(batch.parked.size(), 1U);
  EXPECT_EQ(batch.parked[0].content, "");
  EXPECT_EQ(batch.parked[0].reason, "no object");
}

TEST_F(Refusing, KeepNoPassword) {
  Refusals refusals({}, /*redacts=*/false);
  change::Batch batch =
      take(refusals, {{MessageKind::schema, "not signed", "alter role a password 'secret'"}});
  ASSERT_EQ(batch.parked.size(), 1U);
  EXPECT_EQ(batch.parked[0].content, "");
}

TEST_F(Refusing, KeepsALimitedNumberAnHour) {
  Refusals refusals({}, /*redacts=*/false);
  auto most = static_cast<std::size_t>(limits::refused_kept_per_hour_max);
  EXPECT_EQ(kept(refusals, most + 5, 1), most);
  EXPECT_EQ(kept(refusals, 1, 1, noon + 59min), 0U);
  EXPECT_EQ(kept(refusals, 1, 1, noon + 60min), 1U);
}

TEST_F(Refusing, KeepsLimitedBytesAnHour) {
  Refusals refusals({}, /*redacts=*/false);
  std::size_t half = limits::refused_bytes_per_hour_max / 2;
  EXPECT_EQ(kept(refusals, 2, half), 2U);
  EXPECT_EQ(kept(refusals, 1, 1), 0U);
  EXPECT_EQ(kept(refusals, 1, 1, noon + 2h), 1U);
}

TEST_F(Refusing, KeepsALimitedTotal) {
  Refusals nearly({.count = limits::refused_kept_max - 2}, /*redacts=*/false);
  EXPECT_EQ(kept(nearly, 5, 1), 2U);
  EXPECT_EQ(kept(nearly, 5, 1, noon + 2h), 0U);
  Refusals heavy({.bytes = limits::refused_bytes_max - 2}, /*redacts=*/false);
  EXPECT_EQ(kept(heavy, 5, 1), 2U);
  EXPECT_EQ(kept(heavy, 5, 1, noon + 2h), 0U);
}

// Log lines go to stderr.
TEST_F(Refusing, AreSaidOnceAMinuteForEachKind) {
  Refusals refusals({}, /*redacts=*/false);
  auto said = [&](MessageKind kind, Refusals::Clock::time_point now) {
    testing::internal::CaptureStderr();
    take(refusals, {{kind, "why", "x"}}, now);
    return testing::internal::GetCapturedStderr();
  };
  EXPECT_TRUE(said(MessageKind::context, noon).contains("1 context message was refused"));
  EXPECT_EQ(said(MessageKind::context, noon + 59s), "");
  std::string later = said(MessageKind::context, noon + 60s);
  EXPECT_TRUE(later.contains("2 context messages were refused, the last one: why")) << later;
  EXPECT_TRUE(said(MessageKind::schema, noon + 61s).contains("1 schema message was refused"));
  EXPECT_TRUE(said(MessageKind::other, noon + 61s).contains("1 other message was refused"));
}

}  // namespace
}  // namespace bemi::render
