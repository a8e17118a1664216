// SPDX-License-Identifier: LGPL-3.0-or-later
// Filters as SQL: every value is a parameter, in the order of its $N.
#include "query/change_filter.hpp"

#include <gtest/gtest.h>

#include "base/limits.hpp"

namespace bemi::query {
namespace {

using Parameters = std::vector<pg::Parameter>;

Condition of(const ChangeFilter& filter) {
  auto condition = condition_of(filter);
  EXPECT_TRUE(condition);
  return condition.value_or(Condition{});
}

void expect(const ChangeFilter& filter, const std::string& sql, const Parameters& parameters) {
  Condition condition = of(filter);
  EXPECT_EQ(condition.sql, sql);
  EXPECT_EQ(condition.parameters, parameters);
}

TEST(ChangeFilter, NothingMeansEverything) { expect({}, "true", {}); }

TEST(ChangeFilter, ATableWithoutASchemaIsOnePublic) {
  expect({.table = TableName{.schema = "", .table = "todo"}}, R"("table" = $1 and schema = $2)",
         {"todo", "public"});
  expect({.table = TableName{.schema = "app", .table = "todo"}}, R"("table" = $1 and schema = $2)",
         {"todo", "app"});
}

TEST(ChangeFilter, EachPartIsAConditionOfItsOwn) {
  expect({.primary_key = "7"}, "primary_key = $1", {"7"});
  expect({.operation = "UPDATE"}, "operation = $1", {"UPDATE"});
  expect({.transaction = 99}, "transaction_id = $1", {"99"});
  expect({.source = "shop"}, "source = $1", {"shop"});
  expect({.without_context = {"user"}}, "not context ? $1", {"user"});
  expect({.context_verified = "false"}, "context_verified is false", {});
  expect({.context_verified = "null"}, "context_verified is null", {});
}

TEST(ChangeFilter, ALongKeyIsLookedUpByItsName) {
  std::string key(base::limits::key_bytes_max + 1, 'a');
  Condition condition = of({.primary_key = key});
  ASSERT_EQ(condition.parameters.size(), 1U);
  EXPECT_TRUE(condition.parameters[0]->starts_with(std::string(64, 'a') + "…sha256:"));
}

TEST(ChangeFilter, SinceIsInAndUntilIsOut) {
  expect({.since = "2026-01-01", .until = "2026-02-01"},
         "effective_at >= $1::timestamptz and effective_at < $2::timestamptz",
         {"2026-01-01", "2026-02-01"});
}

TEST(ChangeFilter, PartsAreJoinedByAnd) {
  expect({.primary_key = "7", .operation = "DELETE"}, "primary_key = $1 and operation = $2",
         {"7", "DELETE"});
}

TEST(ChangeFilter, AContextValueMatchesAsTextAndAsWhatItReadsAs) {
  expect({.context = {"user=ann"}}, "context @> $1::jsonb", {R"({"user": "ann"})"});
  expect({.context = {"user=42"}}, "(context @> $1::jsonb or context @> $2::jsonb)",
         {R"({"user": "42"})", R"({"user": 42})"});
  expect({.context = {"ok=true", "a=b"}},
         "(context @> $1::jsonb or context @> $2::jsonb) and context @> $3::jsonb",
         {R"({"ok": "true"})", R"({"ok": true})", R"({"a": "b"})"});
}

TEST(ChangeFilter, TextsAreNoPatterns) {
  expect({.texts = {"50%_\\"}},
         "(before::text ilike $1 or after::text ilike $1 or context::text ilike $1)",
         {R"(%50\%\_\\%)"});
}

TEST(ChangeFilter, AfterACommitComesWhatIsLaterInTheTotalOrder) {
  expect({.after = ChangeFilter::Commit{.epoch = 2, .position = 30}},
         "(epoch, commit_position) > (2, 30)", {});
  expect({.since = "2026-01-01", .after = ChangeFilter::Commit{.epoch = 2, .position = 30}},
         "effective_at >= $1::timestamptz and (epoch, commit_position) > (2, 30) and "
         "(effective_at, commit_position) > ($2::timestamptz, 30)",
         {"2026-01-01", "2026-01-01"});
}

TEST(ChangeFilter, IdsAreOneParameter) {
  expect({.ids = {"a", "b\""}},
         "id in (select id::uuid from jsonb_array_elements_text($1::jsonb) as ids (id))",
         {R"(["a","b\""])"});
}

TEST(ContextFilter, KeepsTheDigitsOfANumber) {
  auto filter = parse_context_filter("id=12345678901234567890.10");
  ASSERT_TRUE(filter);
  EXPECT_EQ(filter->as_text, R"({"id": "12345678901234567890.10"})");
  EXPECT_EQ(filter->as_scalar, R"({"id": 12345678901234567890.10})");
}

TEST(ContextFilter, SplitsAtTheFirstEqualsSign) {
  auto filter = parse_context_filter("a=b=c");
  ASSERT_TRUE(filter);
  EXPECT_EQ(filter->as_text, R"({"a": "b=c"})");
  EXPECT_FALSE(filter->as_scalar);
  filter = parse_context_filter("a=");
  ASSERT_TRUE(filter);
  EXPECT_EQ(filter->as_text, R"({"a": ""})");
  EXPECT_FALSE(filter->as_scalar);
}

// An object or null could match what nobody typed.
TEST(ContextFilter, OnlyNumbersAndTruthValuesReadAsMore) {
  for (const char* text : {"a=null", "a={}", "a=[1]", "a=\"b\"", "a=1x"}) {
    auto filter = parse_context_filter(text);
    ASSERT_TRUE(filter) << text;
    EXPECT_FALSE(filter->as_scalar) << text;
  }
}

TEST(ContextFilter, RefusesWhatHasNoKey) {
  for (const char* text : {"", "a", "=b"}) {
    auto filter = parse_context_filter(text);
    ASSERT_FALSE(filter) << text;
    EXPECT_EQ(filter.error().kind, base::ErrorKind::usage);
    EXPECT_EQ(filter.error().hint, "write KEY=VALUE");
    EXPECT_FALSE(condition_of({.context = {text}})) << text;
  }
}

TEST(ContextFilter, GivesTheAlternativesOfEachContext) {
  EXPECT_EQ(contexts_of({.context = {}}).value(), "[]");
  EXPECT_EQ(contexts_of({.context = {"a=7", "b=x=\"y"}}).value(),
            R"([[{"a": "7"}, {"a": 7}], [{"b": "x=\"y"}]])");
  EXPECT_FALSE(contexts_of({.context = {"a=7", "b"}}));
}

TEST(Where, IsAClauseOnlyWhenItSaysSomething) {
  Where where;
  EXPECT_EQ(where.clause(), "");
  EXPECT_EQ(where.condition(), "true");
  where.add("a = {}", "1");
  EXPECT_EQ(where.clause(), " where a = $1");
  EXPECT_EQ(where.condition(), "a = $1");
  where.begin_anew();
  where.add("b = {}", "2");
  EXPECT_EQ(where.condition(), "b = $2");
  EXPECT_EQ(where.parameters(), (Parameters{"1", "2"}));
}

}  // namespace
}  // namespace bemi::query
