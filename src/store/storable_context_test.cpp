// SPDX-License-Identifier: LGPL-3.0-or-later
#include "store/storable_context.hpp"

#include <memory>
#include <string>
#include <vector>

#include <gtest/gtest.h>

namespace bemi::store {
namespace {

// U+0080 to U+00FF, as LATIN1.
const pg::KnownCharacters latin(std::string(128, '1'));
constexpr std::string_view marked = R"(,"_bemi":{"escaped":true}})";

TEST(StorableContext, AKnownCharacterIsStoredAsItself) {
  EXPECT_EQ(storable_context(R"({"u\u00e9": "J\u00E9", "b": ["é", "\"\\\u0041\n\\u00e9"]})", latin),
            "{\"ué\": \"Jé\", \"b\": [\"é\", \"\\\"\\\\\\u0041\\n\\\\u00e9\"]}");
  EXPECT_EQ(storable_context(R"({"a":"\u2603\ud83d\ude00😀中\u07ff\u0800"})", {}),
            "{\"a\":\"☃😀😀中\u07ff\u0800\"}");
  EXPECT_EQ(storable_context(R"({"a":"\uffff\ud800\udc00"})", {}), "{\"a\":\"\uffff\U00010000\"}");
  EXPECT_EQ(storable_context(R"({"a":"\u007f\u0000\u001f"})", latin),
            R"({"a":"\u007f\u0000\u001f"})");
}

TEST(StorableContext, ACharacterThatTheEncodingLacksIsTheTextOfItsEscape) {
  EXPECT_EQ(storable_context(R"({"a":"\u2603é"})", latin),
            R"({"a":"\\u2603é")" + std::string(marked));
  EXPECT_EQ(storable_context(R"({"😀":{"\ud83d\ude00":1}} )", latin),
            R"({"\\ud83d\\ude00":{"\\ud83d\\ude00":1})" + std::string(marked) + " ");
  EXPECT_EQ(storable_context("{\"a\":\"\u0100\"}", latin),
            R"({"a":"\\u0100")" + std::string(marked));
}

std::vector<std::string> fitted(StorableContexts contexts, change::Batch& batch,
                                const std::vector<std::string_view>& given) {
  for (std::string_view context : given) batch.changes.emplace_back().context = context;
  contexts.fit(batch);
  std::vector<std::string> stored;
  for (const change::Change& change : batch.changes) stored.emplace_back(change.context);
  return stored;
}

TEST(StorableContexts, FitsThoseThatAreNotPlainAscii) {
  StorableContexts contexts(std::make_shared<const pg::KnownCharacters>(latin));
  change::Batch batch;
  const std::string escaped = R"({"a":"\\u2603")" + std::string(marked);
  EXPECT_EQ(
      fitted(contexts, batch, {R"({"a":1})", "{\"a\":\"☃\"}", R"({"a":"\u2603"})", R"({"a":2})"}),
      (std::vector<std::string>{R"({"a":1})", escaped, escaped, R"({"a":2})"}));
}

TEST(StorableContexts, FitsAContextOnceForChangesThatShareIt) {
  StorableContexts contexts(std::make_shared<const pg::KnownCharacters>(latin));
  change::Batch batch;
  std::string_view context = "{\"a\":\"☃\"}";
  fitted(contexts, batch, {context, context, context});
  EXPECT_EQ(batch.shared.size(), 1U);
  EXPECT_EQ(batch.changes[0].context.data(), batch.changes[2].context.data());
}

TEST(StorableContexts, LeavesAllWhereTheEncodingHasEveryCharacter) {
  change::Batch batch;
  std::string_view context = "{\"a\":\"☃\"}";
  EXPECT_EQ(fitted({}, batch, {context}), std::vector<std::string>{std::string(context)});
  EXPECT_TRUE(batch.shared.empty());
}

// A large context comes again in later batches, at the same place.
TEST(StorableContexts, FitsALargeContextOnceForSeveralBatches) {
  StorableContexts contexts(std::make_shared<const pg::KnownCharacters>(latin));
  auto large = std::make_shared<const std::string>("{\"a\":\"☃\"}");
  std::vector<const char*> places;
  for (int i = 0; i < 2; ++i) {
    change::Batch batch;
    batch.shared.push_back(large);
    batch.changes.emplace_back().context = *large;
    contexts.fit(batch);
    places.push_back(batch.changes[0].context.data());
    EXPECT_EQ(batch.changes[0].context, R"({"a":"\\u2603")" + std::string(marked));
  }
  EXPECT_EQ(places[0], places[1]);
}

}  // namespace
}  // namespace bemi::store
