// SPDX-License-Identifier: LGPL-3.0-or-later
#include "serve/router.hpp"

#include <algorithm>
#include <optional>

#include "base/json.hpp"
#include "base/log.hpp"
#include "serve/action_log.hpp"
#include "serve/api/handlers.hpp"
#include "serve/contract.hpp"
#include "serve/problem.hpp"

namespace bemi::serve {
namespace {

std::vector<std::string_view> with_filter(std::vector<std::string_view> more) {
  for (std::string_view name : filter_parameters) more.push_back(name);
  return more;
}

std::optional<std::string_view> tail_of(std::string_view pattern, std::string_view path) {
  std::size_t varies = pattern.find('{');
  if (varies == std::string_view::npos) {
    return pattern == path ? std::optional(std::string_view{}) : std::nullopt;
  }
  bool fits = path.starts_with(pattern.substr(0, varies)) && path.size() > varies &&
              path.find('/', varies) == std::string_view::npos;
  return fits ? std::optional(path.substr(varies)) : std::nullopt;
}

Response not_signed_in() {
  Response response = problem(401, "this needs a token, or a session",
                              "Authorization: Bearer TOKEN; bemi serve --new-token makes one");
  response.headers.emplace_back("WWW-Authenticate", "Bearer");
  return response;
}

// A browser sends a session's cookie along by itself, with another site's form too.
bool is_forged(const Request& request, const Identity& identity) {
  if (identity.csrf.empty() || request.method == "GET" || request.method == "HEAD") return false;
  return request.header("x-bemi-csrf") != identity.csrf;
}

// A wrong token is counted; what is right is never refused for it, so that nobody shuts out those
// who come from the same address.
Response unknown(const Request& request, const Services& services) {
  Access& access = *services.access;
  if (request.header("authorization").empty()) return not_signed_in();
  std::string client = access.client(request);
  if (access.lockout().holds(client)) {
    Response response = problem(429, "too many wrong tokens", "wait a minute");
    response.headers.emplace_back("Retry-After", "60");
    return response;
  }
  auto has_session = access.has_session(request, services.cookie_name);
  if (has_session && !*has_session) access.lockout().note_failure(client);
  return not_signed_in();
}

std::optional<Response> refusal(const Route& route, const Request& request,
                                const std::optional<Identity>& identity, const Services& services) {
  if (!identity) {
    return unknown(request, services);
  }
  if (is_forged(request, *identity)) {
    return problem(403, "the header X-Bemi-CSRF does not belong to this session",
                   "GET /api/session tells it");
  }
  if (identity->role < route.role) {
    return problem(403, "this needs the role " + std::string(name(route.role)),
                   "you are signed in as " + std::string(name(identity->role)));
  }
  return std::nullopt;
}

// PostgreSQL takes nothing else, and would take what is before a NUL for the whole.
bool is_text(std::string_view text) { return base::valid_utf8(text) && !text.contains('\0'); }

std::optional<Response> wrong_parameter(const Route& route, const Request& request) {
  if (!is_text(request.path)) return problem(400, "the path is no text in UTF-8");
  for (const auto& [name, value] : request.query) {
    if (!is_text(name) || !is_text(value)) return problem(400, "a parameter is no text in UTF-8");
    if (std::ranges::find(route.parameters, name) == route.parameters.end()) {
      return problem(400, "there is no parameter " + name, "see /api/openapi.json");
    }
  }
  return std::nullopt;
}

Response handled(const Route& route, const Call& call) {
  try {
    auto checked = check_parameters({route.method, route.pattern}, *call.request, call.tail);
    if (!checked) return problem(checked.error());
    auto response = route.handler(call);
    return response ? std::move(*response) : problem(response.error());
  } catch (const std::exception& error) {
    base::log::error("{} {}: {}", route.method, route.pattern, error.what());
    return problem(500, "something unforeseen happened", "the server's log says what");
  }
}

void note_reading(const Services& services, const Request& request, const Route& route,
                  const Identity& identity) {
  services.actions->note_reading({.actor = identity.name,
                                  .role = std::string(name(identity.role)),
                                  .peer = services.access->client(request),
                                  .action = "read",
                                  .target = std::string(route.pattern),
                                  .details = {}});
}

Response called(const Services& services, const Request& request, const Route& route,
                std::string_view tail) {
  if (route.is_open) {
    if (auto response = wrong_parameter(route, request)) return std::move(*response);
    return handled(route, {&services, &request, nullptr, tail, &route});
  }
  // This comes before any other check of the request, so that a stranger learns nothing from the
  // answer. It happens every time, since a session may have ended elsewhere.
  auto identity = services.access->identify(request, services.cookie_name);
  if (!identity) return problem(identity.error());
  if (auto response = refusal(route, request, *identity, services)) return std::move(*response);
  if (auto response = wrong_parameter(route, request)) return std::move(*response);
  if (route.shows_data) note_reading(services, request, route, **identity);
  return handled(route, {&services, &request, &**identity, tail, &route});
}

// Read-only routes.
std::vector<Route> reading_routes() {
  return {
      {"GET", "/healthz", health, Role::viewer, true},
      {"GET", "/readyz", readiness, Role::viewer, true},
      {"GET", "/metrics", metrics, Role::viewer, true},
      {"GET", "/api/openapi.json", openapi, Role::viewer, true},
      {"POST", "/api/session", sign_in, Role::viewer, true},
      {"GET", "/api/session", session},
      {"DELETE", "/api/session", sign_out},
      {"POST", "/api/session/password", change_password},
      {"GET", "/api/changes", changes, Role::viewer, false, with_filter({"limit", "cursor"}), true},
      {"GET", "/api/changes/{id}", change, Role::viewer, false, {}, true},
      {"GET", "/api/histogram", histogram, Role::viewer, false, with_filter({"buckets"})},
      {"GET", "/api/export", download, Role::viewer, false, with_filter({"format"})},
      {"GET", "/api/stream", stream, Role::viewer, false, with_filter({"last_event_id"}), true},
      {"GET", "/api/history", history, Role::viewer, false, {"table", "key", "source"}, true},
      {"GET",
       "/api/as-of",
       as_of,
       Role::viewer,
       false,
       {"table", "at", "source", "limit", "offset", "partial", "allow_stale"},
       true},
      {"GET",
       "/api/diff",
       diff,
       Role::viewer,
       false,
       {"table", "from", "to", "source", "partial", "allow_stale"},
       true},
      {"GET", "/api/groups", groups, Role::viewer, false, with_filter({"by", "limit"}), true},
      {"GET",
       "/api/trends",
       trends,
       Role::viewer,
       false,
       {"every", "by", "since", "until", "source"}},
      {"GET", "/api/tables", tables},
      {"GET", "/api/context-keys", context_keys},
      {"GET", "/api/context-coverage", context_coverage, Role::viewer, false,
       with_filter({"key", "by"})},
      {"GET", "/api/sources", sources},
  };
}

// Routes that change data or settings, and the reads that only these need.
std::vector<Route> acting_routes() {
  return {
      {"POST", "/api/revert/plan", plan_revert, Role::operator_},
      {"POST", "/api/revert", apply_revert, Role::operator_},
      {"GET", "/api/users", list_users, Role::admin},
      {"POST", "/api/users", set_user, Role::admin},
      {"DELETE", "/api/users/{name}", remove_user, Role::admin},
      {"GET", "/api/managed", list_managed},
      {"POST", "/api/managed/check", check_source, Role::admin},
      {"POST", "/api/managed", add_source, Role::admin},
      {"POST", "/api/managed/pause", pause_source, Role::admin},
      {"POST", "/api/managed/resume", resume_source, Role::admin},
      {"DELETE", "/api/managed/{name}", remove_source, Role::admin, false, {"keep_slot"}},
      {"GET", "/api/webhooks", list_webhooks, Role::admin},
      {"POST", "/api/webhooks", set_webhook, Role::admin},
      {"POST", "/api/webhooks/test", test_webhook, Role::admin},
      {"DELETE", "/api/webhooks/{name}", remove_webhook, Role::admin},
      {"GET", "/api/views", list_views},
      {"POST", "/api/views", set_view},
      {"DELETE", "/api/views/{name}", remove_view, Role::viewer, false, {"owner"}},
      {"GET", "/api/actions", list_actions, Role::operator_, false, {"before", "limit", "reads"}},
      {"GET", "/api/marks", list_marks},
      {"POST", "/api/marks", create_mark, Role::operator_},
      {"POST", "/api/marks/rollback", roll_back, Role::operator_},
      {"POST", "/api/marks/forward", roll_forward, Role::operator_},
      {"DELETE", "/api/marks/{name}", delete_mark, Role::operator_},
  };
}

}  // namespace

std::span<const Route> routes() {
  static const std::vector<Route> all = [] {
    std::vector<Route> both = reading_routes();
    for (Route& route : acting_routes()) both.push_back(std::move(route));
    return both;
  }();
  return all;
}

Response json(std::string body) { return {.body = std::move(body)}; }

Answer answer(const Services& services, const Request& request) {
  std::string allowed;
  for (const Route& route : routes()) {
    auto tail = tail_of(route.pattern, request.path);
    if (!tail) continue;
    allowed += (allowed.empty() ? "" : ", ") + std::string(route.method);
    bool is_method =
        route.method == request.method || (request.method == "HEAD" && route.method == "GET");
    if (is_method) return {called(services, request, route, *tail), route.pattern};
  }
  if (!allowed.empty()) {
    Response response = problem(405, "the method " + request.method + " is not allowed here");
    response.headers.emplace_back("Allow", allowed);
    return {std::move(response), "other"};
  }
  return {problem(404, "there is nothing at " + request.path, "see /api/openapi.json"), "other"};
}

}  // namespace bemi::serve
