// SPDX-License-Identifier: LGPL-3.0-or-later
#include "serve/router.hpp"

#include <set>

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "serve/assets.hpp"

namespace bemi::serve {
namespace {

using nlohmann::json;

std::string lower(std::string_view text) {
  std::string out(text);
  for (char& c : out) c = static_cast<char>(std::tolower(c));
  return out;
}

json description() { return json::parse(openapi_document()); }

std::set<std::string> described_parameters(const json& document, const json& operation) {
  std::set<std::string> names;
  for (json parameter : operation.value("parameters", json::array())) {
    if (parameter.contains("$ref")) {
      std::string name = parameter["$ref"];
      parameter = document["components"]["parameters"][name.substr(name.rfind('/') + 1)];
    }
    if (parameter["in"] == "query") names.insert(parameter["name"]);
  }
  return names;
}

TEST(Router, EveryRouteIsDescribedWithItsParameters) {
  json document = description();
  for (const Route& route : routes()) {
    std::string where = lower(route.method) + " " + std::string(route.pattern);
    const json& path = document["paths"].value(std::string(route.pattern), json::object());
    ASSERT_TRUE(path.contains(lower(route.method))) << where;
    json operation = path[lower(route.method)];
    std::set<std::string> parameters(route.parameters.begin(), route.parameters.end());
    EXPECT_EQ(described_parameters(document, operation), parameters) << where;
    EXPECT_EQ(operation.contains("security"), route.is_open) << where;
    EXPECT_EQ(operation.value("x-role", ""), route.is_open ? "" : name(route.role)) << where;
  }
}

TEST(Router, EverythingDescribedIsARoute) {
  std::set<std::string> known;
  for (const Route& route : routes()) {
    known.insert(lower(route.method) + " " + std::string(route.pattern));
  }
  json document = description();
  for (const auto& [path, methods] : document["paths"].items()) {
    for (const auto& [method, operation] : methods.items()) {
      EXPECT_TRUE(known.contains(method + " " + path)) << method << " " << path;
    }
  }
}

TEST(Router, AChangeNeedsAtLeastAnOperator) {
  for (const Route& route : routes()) {
    // A viewer may change their own session and views; handlers ask for more where
    // others see it.
    bool is_own =
        route.pattern.starts_with("/api/session") || route.pattern.starts_with("/api/views");
    if (route.method != "GET" && !is_own) {
      EXPECT_GE(route.role, Role::operator_) << route.pattern;
    }
  }
}

}  // namespace
}  // namespace bemi::serve
