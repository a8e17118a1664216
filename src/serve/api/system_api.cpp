// SPDX-License-Identifier: LGPL-3.0-or-later
#include "query/destination.hpp"
#include "query/feed.hpp"
#include "serve/api/handlers.hpp"
#include "serve/assets.hpp"
#include "serve/metrics.hpp"
#include "serve/problem.hpp"

namespace bemi::serve {

base::Result<Response> health(const Call& /*call*/) { return json(R"({"status": "ok"})"); }

base::Result<Response> readiness(const Call& call) {
  auto connection = call.services->destination->reader();
  auto feed =
      connection ? query::Feed::open(**connection) : std::unexpected(std::move(connection).error());
  if (!feed) return problem(503, "the history cannot be read");
  return json(R"({"status": "ready"})");
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
