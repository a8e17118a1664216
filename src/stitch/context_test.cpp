// SPDX-License-Identifier: LGPL-3.0-or-later
// The rule by which changes take their context: the golden examples that the packages share, and
// what only the worker sees, rolled-back savepoints.
#include "stitch/context.hpp"

#include <fstream>

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

namespace bemi::stitch {
namespace {

using nlohmann::json;

// A step is a message (object) or a change (number: its subtransaction).
std::vector<json> stitched(const json& steps, const Xids& aborted = {}) {
  SpoolBudget budget("/tmp");
  Contexts contexts(budget);
  std::vector<std::uint32_t> survivors;
  std::uint32_t number = 0;
  change::Lsn position;
  for (const json& step : steps) {
    ++position.value;
    if (step.is_object()) {
      auto message = read_context(step.dump());
      EXPECT_TRUE(message);
      EXPECT_TRUE(contexts.add(position, std::move(*message)));
      continue;
    }
    auto xid = step.get<std::uint32_t>();
    EXPECT_TRUE(contexts.note_change(position, xid));
    if (!aborted.contains(xid)) survivors.push_back(number);
    ++number;
  }
  EXPECT_TRUE(contexts.finish());
  std::vector<json> result;
  for (std::uint32_t change : survivors)
    result.push_back(json::parse(contexts.of(change, aborted)->text));
  return result;
}

TEST(Context, GoldenExamples) {
  std::ifstream file(BEMI_PROJECT_DIR "/contracts/examples/context/stitching.json");
  json examples = json::parse(file);
  ASSERT_FALSE(examples.empty());
  for (const json& example : examples) {
    EXPECT_EQ(json(stitched(example["steps"])), example["contexts"]) << example["title"];
  }
}

TEST(Context, AMessageVanishesWithTheSavepointItSpokeOf) {
  EXPECT_EQ(json(stitched(json::parse(R"([{"a":1}, 7, 1])"), {7})), json::parse(R"([{"a":1}])"));
  EXPECT_EQ(json(stitched(json::parse(R"([1, {"a":1}, 7, {"b":2}, 1])"), {7})),
            json::parse(R"([{"b":2},{"b":2}])"));
  EXPECT_EQ(json(stitched(json::parse(R"([7, {"a":1,"_bemi":{"scope":"previous"}}, 1])"), {7})),
            json::parse("[{}]"));
}

TEST(Context, AMessageOfManyRolledBackChangesVanishes) {
  json steps = json::parse(R"([{"a":1}])");
  for (int i = 0; i < 300; ++i) steps.push_back(7);
  steps.push_back({{"b", 2}});
  steps.push_back(1);
  steps.push_back({{"_bemi", {{"scope", "previous"}}}, {"c", 3}});
  steps.push_back(1);
  EXPECT_EQ(json(stitched(steps, {7})), json::parse(R"([{"c":3},{"b":2}])"));
}

// More savepoints than a message's run remembers: it counts as surviving, since nobody knows.
TEST(Context, AMessageOfTooManySavepointsStays) {
  json steps = json::parse(R"([{"a":1}])");
  Xids aborted;
  for (std::uint32_t xid = 100; xid < 400; ++xid) {
    steps.push_back(xid);
    aborted.insert(xid);
  }
  steps.push_back({{"b", 2}, {"_bemi", {{"scope", "previous"}}}});
  steps.push_back(1);
  EXPECT_EQ(json(stitched(steps, aborted)), json::parse(R"([{"a":1}])"));
}

TEST(Context, AMessageStandsBeforeTheChangesOfItsPosition) {
  SpoolBudget budget("/tmp");
  Contexts contexts(budget);
  ASSERT_TRUE(contexts.add({1}, *read_context(R"({"a":1})")));
  ASSERT_TRUE(contexts.note_change({4}, 1));
  ASSERT_TRUE(contexts.note_change({5}, 1));
  ASSERT_TRUE(contexts.add({5}, *read_context(R"({"b":2})")));
  ASSERT_TRUE(contexts.note_change({6}, 1));
  ASSERT_TRUE(contexts.finish());
  EXPECT_EQ(contexts.of(0, {})->text, R"({"a":1})");
  EXPECT_EQ(contexts.of(1, {})->text, R"({"b":2})");
  EXPECT_EQ(contexts.of(2, {})->text, R"({"b":2})");
}

TEST(Context, AMessageOfThePastEndsTheReachOfNextAlone) {
  EXPECT_EQ(json(stitched(json::parse(R"([{"a":1}, 1, {"b":2,"_bemi":{"scope":"previous"}}, 1])"))),
            json::parse(R"([{"b":2},{"a":1}])"));
  EXPECT_EQ(
      json(stitched(json::parse(
          R"([{"a":1,"_bemi":{"scope":"next"}}, 1, {"b":2,"_bemi":{"scope":"previous"}}, 1])"))),
      json::parse(R"([{"b":2},{}])"));
}

// jsonb holds the number, a double does not.
TEST(Context, AReservedMemberThatSaysNothingIsLeftOut) {
  for (const char* value : {"1e999", "[]", "{}", R"({"scope":1})", R"({"scope":"last"})"}) {
    auto message = read_context(std::string(R"({"a":1,"_bemi":)") + value + "}");
    ASSERT_TRUE(message) << value;
    EXPECT_EQ(message->reserved.scope, Scope::plain) << value;
    EXPECT_EQ(json::parse(message->text), json::parse(R"({"a":1})")) << value;
  }
}

TEST(Context, RefusesWhatCannotBeStored) {
  for (const char* text : {"", "[]", "nonsense", R"({"a":"\u0000"})"})
    EXPECT_FALSE(read_context(text)) << text;
  EXPECT_FALSE(read_context("{\"a\":\"" + std::string(2 << 20, 'x') + "\"}"));
}

TEST(Context, LeavesOutEveryReservedMemberAndObeysTheLast) {
  auto message = read_context(R"({"_bemi":{"scope":"next"},"a":1,"_bemi":{"scope":"previous"}})");
  ASSERT_TRUE(message);
  EXPECT_EQ(message->reserved.scope, Scope::previous);
  EXPECT_EQ(json::parse(message->text), json::parse(R"({"a":1})"));
}

TEST(Context, RefusesTheReservedKeyInEscapes) {
  EXPECT_FALSE(read_context(R"({"\u005fbemi":{"scope":"next"}})"));
  EXPECT_FALSE(read_context(R"({"a":1,"_bem\u0069":2})"));
  EXPECT_TRUE(read_context(R"({"\u005fother":1})"));
  EXPECT_TRUE(read_context(R"({"a":"\u005fbemi"})"));
}

}  // namespace
}  // namespace bemi::stitch
