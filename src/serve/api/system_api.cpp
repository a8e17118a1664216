// SPDX-License-Identifier: LGPL-3.0-or-later
#include <nlohmann/json.hpp>

#include "serve/api/handlers.hpp"
#include "serve/assets.hpp"
#include "serve/metrics.hpp"
#include "serve/problem.hpp"
#include "serve/source_status.hpp"

namespace bemi::serve {

using nlohmann::ordered_json;

base::Result<Response> health(const Call& /*call*/) { return json(R"({"status": "ok"})"); }

namespace {

// Whose tracking is this program's own duty.
bool is_ours(const ordered_json& source) {
  const ordered_json& worker = source["worker"];
  return source.value("managed", false) || (worker.is_object() && worker.value("here", false));
}

}  // namespace

base::Result<Response> readiness(const Call& call) {
  auto sources = source_status(*call.services);
  if (!sources) return problem(503, "the history cannot be read");
  auto list = ordered_json::array();
  for (const ordered_json& source : *sources) {
    const ordered_json& health = source["health"];
    std::string name = source.value("source", "");
    if (is_ours(source) && health["level"] == "action")
      return problem(503, name + ": " + health.value("sentence", ""));
    list.push_back(
        {{"source", name}, {"level", health["level"]}, {"sentence", health["sentence"]}});
  }
  return json(ordered_json{{"status", "ready"}, {"sources", std::move(list)}}.dump());
}

base::Result<Response> metrics(const Call& call) {
  Response response{.content_type = "text/plain; version=0.0.4; charset=utf-8"};
  response.body = call.services->metrics->exposition(*call.services);
  return response;
}

base::Result<Response> openapi(const Call& /*call*/) {
  Response response;
  response.embedded = openapi_document();
  return response;
}

}  // namespace bemi::serve
