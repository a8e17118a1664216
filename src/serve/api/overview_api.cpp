// SPDX-License-Identifier: LGPL-3.0-or-later
#include <nlohmann/json.hpp>

#include "query/destination.hpp"
#include "query/overview.hpp"
#include "query/past.hpp"
#include "serve/api/handlers.hpp"
#include "serve/source_status.hpp"

namespace bemi::serve {
namespace {

constexpr std::int64_t groups_default = 100;
constexpr std::int64_t groups_max = 1000;

}  // namespace

base::Result<Response> groups(const Call& call) {
  TRY_ASSIGN(query::ChangeFilter filter, filter_of(*call.request));
  TRY_ASSIGN(std::string by, required(*call.request, "by"));
  TRY_ASSIGN(std::int64_t limit, number_of(*call.request, "limit", groups_default, groups_max));
  TRY_ASSIGN(auto connection, call.services->destination->reader());
  TRY_ASSIGN(std::string found, query::groups(*connection, filter, by, limit));
  return json("{\"groups\": " + found + "}");
}

base::Result<Response> trends(const Call& call) {
  const Request& request = *call.request;
  TRY_ASSIGN(auto connection, call.services->destination->reader());
  TRY_ASSIGN(pg::Rows rows, query::trends(*connection, given(request, "every").value_or("1 hour"),
                                          given(request, "by").value_or("operation"),
                                          {.since = given(request, "since").value_or("-infinity"),
                                           .until = given(request, "until").value_or("infinity"),
                                           .source = given(request, "source")}));
  auto points = nlohmann::ordered_json::array();
  for (int row = 0; row < rows.count(); ++row) {
    auto group = rows.get(row, 1);
    std::string at = rows.text(row, 0);
    if (std::size_t space = at.find(' '); space != std::string::npos) at[space] = 'T';
    points.push_back({{"at", at + (at.ends_with("+00") ? ":00" : "")},
                      {"group", group ? nlohmann::ordered_json(*group) : nullptr},
                      {"changes", rows.integer(row, 2)}});
  }
  return json(nlohmann::ordered_json{{"points", std::move(points)}}.dump());
}

base::Result<Response> tables(const Call& call) {
  TRY_ASSIGN(auto connection, call.services->destination->reader());
  TRY_ASSIGN(std::string found, query::tables(*connection));
  return json("{\"tables\": " + found + "}");
}

base::Result<Response> context_keys(const Call& call) {
  TRY_ASSIGN(auto connection, call.services->destination->reader());
  TRY_ASSIGN(std::string found, query::context_keys(*connection));
  return json("{\"keys\": " + found + "}");
}

base::Result<Response> context_coverage(const Call& call) {
  TRY_ASSIGN(query::ChangeFilter filter, filter_of(*call.request));
  TRY_ASSIGN(std::string key, required(*call.request, "key"));
  TRY_ASSIGN(auto connection, call.services->destination->reader());
  std::string by = given(*call.request, "by").value_or("");
  TRY_ASSIGN(std::string found, query::context_coverage(*connection, filter, key, by));
  return json("{\"tables\": " + found + "}");
}

base::Result<Response> sources(const Call& call) {
  TRY_ASSIGN(nlohmann::ordered_json list, source_status(*call.services));
  return json(nlohmann::ordered_json{{"sources", std::move(list)}}.dump());
}

}  // namespace bemi::serve
