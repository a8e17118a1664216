// SPDX-License-Identifier: LGPL-3.0-or-later
#include "serve/contract.hpp"

#include <set>

#include <gtest/gtest.h>

#include "serve/assets.hpp"

namespace bemi::serve {
namespace {

using nlohmann::json;
using nlohmann::ordered_json;

constexpr Operation changes{"GET", "/api/changes"};
constexpr Operation revert{"POST", "/api/revert"};

std::string complaint(const base::Status& status) { return status ? "" : status.error().message; }

std::string asked(const Operation& operation, Pairs query, std::string_view tail = {}) {
  Request request;
  request.query = std::move(query);
  return complaint(check_parameters(operation, request, tail));
}

std::string sent(const Operation& operation, std::string_view body) {
  return complaint(check_body(operation, ordered_json::parse(body)));
}

TEST(Contract, KnowsWordsInAnyCase) {
  EXPECT_EQ(asked(changes, {{"operation", "CREATE"}}), "");
  EXPECT_EQ(asked(changes, {{"operation", "create"}}), "");
  EXPECT_EQ(asked(changes, {{"operation", ""}}), "");
  EXPECT_EQ(asked(changes, {{"operation", "AAA"}}),
            "operation: is one of CREATE, UPDATE, DELETE, TRUNCATE, SNAPSHOT, SCHEMA");
}

TEST(Contract, CountsCharacters) {
  std::string wide;
  for (int i = 0; i < 200; ++i) wide += "é";
  EXPECT_EQ(asked(changes, {{"source", wide}}), "");
  EXPECT_EQ(asked(changes, {{"source", wide + "é"}}), "source: has at most 200 characters");
}

TEST(Contract, BoundsNumbers) {
  EXPECT_EQ(asked(changes, {{"limit", "500"}}), "");
  EXPECT_EQ(asked(changes, {{"limit", "501"}}), "limit: is a number from 0 to 500");
  EXPECT_EQ(asked(changes, {{"limit", "-1"}}), "limit: is a number from 0 to 500");
  EXPECT_EQ(asked(changes, {{"limit", "1.5"}}), "limit: is of type integer");
  EXPECT_EQ(asked(changes, {{"transaction", "9223372036854775807"}}), "");
  EXPECT_EQ(asked(changes, {{"transaction", "9223372036854775808"}}),
            "transaction: is of type integer");
}

TEST(Contract, TakesOneValueOrAListAsDescribed) {
  EXPECT_EQ(asked(changes, {{"q", "a"}, {"q", "b"}}), "");
  EXPECT_EQ(asked(changes, Pairs(21, {"q", "a"})), "q: may be given 20 times");
  EXPECT_EQ(asked(changes, {{"table", "a"}, {"table", "b"}}), "table: is given more than once");
}

TEST(Contract, ChecksPaths) {
  constexpr Operation change{"GET", "/api/changes/{id}"};
  EXPECT_EQ(asked(change, {}, "0190a1b2-0000-8000-8000-0000000000ff"), "");
  EXPECT_EQ(asked(change, {}, "0190a1b2-0000-8000-8000-0000000000fg"), "id: is a uuid");
  EXPECT_EQ(asked({"DELETE", "/api/users/{name}"}, {}, std::string(201, 'a')),
            "name: has at most 200 characters");
}

TEST(Contract, ChecksBodies) {
  EXPECT_EQ(sent(revert, R"({"filter": {"table": "t"}, "digest": "x"})"), "");
  EXPECT_EQ(sent(revert, R"({"filter": {"table": "t"}})"), "digest: is missing");
  EXPECT_EQ(sent(revert, R"({"filter": 1, "digest": "x"})"), "filter: is of type object");
  EXPECT_EQ(sent(revert, R"({"filter": {"tabel": "t"}, "digest": "x"})"),
            "filter: there is no field tabel");
  EXPECT_EQ(sent(revert, R"({"filter": {"q": ["a", 1]}, "digest": "x"})"),
            "filter.q: is of type string");
  EXPECT_EQ(sent(revert, R"({"filter": {}, "digest": "x", "rows_max": 0})"),
            "rows_max: is a number from 1 to 1000000");
  EXPECT_EQ(sent(revert, R"({"filter": {}, "digest": "x", "rows_max": 18446744073709551615})"),
            "rows_max: is a number from 1 to 1000000");
  EXPECT_EQ(sent(revert, R"({"filter": {}, "digest": "x", "on_conflict": "maybe"})"),
            "on_conflict: is one of fail, skip, force");
  EXPECT_EQ(sent(revert, "[]"), "body: is of type object");
  EXPECT_EQ(sent({"POST", "/api/users"}, R"({"name": "a/b", "role": "viewer"})"),
            "name: has no slash");
  EXPECT_EQ(sent({"POST", "/api/users"}, R"({"name": "a", "role": "viewer", "password": "short"})"),
            "password: has at least 10 characters");
}

void words_of(const json& schema, std::set<std::string>& words) {
  for (const auto& [word, value] : schema.items()) {
    words.insert(word);
    if (word == "items") words_of(value, words);
    if (word == "properties") {
      for (const json& property : value) words_of(property, words);
    }
    if (word == "allOf") {
      for (const json& part : value) words_of(part, words);
    }
  }
}

// A keyword that this reader does not know would be enforced by nobody.
TEST(Contract, UsesOnlyKeywordsThatAreChecked) {
  json document = json::parse(openapi_document());
  std::set<std::string> words;
  for (const char* name : {"Filter", "RevertRequest", "NewSource", "NewDestination"}) {
    words_of(document["components"]["schemas"][name], words);
  }
  for (const json& parameter : document["components"]["parameters"]) {
    words_of(parameter["schema"], words);
  }
  for (const json& methods : document["paths"]) {
    for (const json& operation : methods) {
      for (const json& parameter : operation.value("parameters", json::array())) {
        words_of(parameter.value("schema", json::object()), words);
      }
      if (!operation.contains("requestBody")) continue;
      words_of(operation["requestBody"]["content"]["application/json"]["schema"], words);
    }
  }
  const std::set<std::string> held{"$ref",        "additionalProperties",
                                   "allOf",       "default",
                                   "description", "enum",
                                   "format",      "items",
                                   "maxItems",    "maxLength",
                                   "maximum",     "minLength",
                                   "minimum",     "pattern",
                                   "properties",  "required",
                                   "type"};
  for (const std::string& word : words) EXPECT_TRUE(held.contains(word)) << word;
}

}  // namespace
}  // namespace bemi::serve
