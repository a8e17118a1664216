// SPDX-License-Identifier: LGPL-3.0-or-later
#include <nlohmann/json.hpp>

#include "serve/api/handlers.hpp"
#include "serve/limits.hpp"
#include "serve/problem.hpp"

namespace serve {
namespace {

std::string session_json(const Services& services, const Identity& identity) {
  return nlohmann::ordered_json{{"name", identity.name},
                                {"role", name(identity.role)},
                                {"csrf", identity.csrf},
                                {"version", services.version}}
      .dump();
}

// Not for scripts in the page, and not along with a request that another site made.
std::string cookie(const Call& call, const std::string& value, std::int64_t seconds) {
  bool is_https = call.request->header("x-forwarded-proto") == "https";
  return call.services->cookie_name + "=" + value +
         "; Path=/; HttpOnly; SameSite=Strict; Max-Age=" + std::to_string(seconds) +
         (is_https ? "; Secure" : "");
}

}  // namespace

base::Result<Response> sign_in(const Call& call) {
  Access& access = *call.services->access;
  if (access.is_locked_out(call.request->peer)) {
    Response response = problem(429, "too many wrong tokens", "wait a minute");
    response.headers.emplace_back("Retry-After", "60");
    return response;
  }
  // A form of another site cannot send this type without being asked first.
  if (!call.request->header("content-type").starts_with("application/json")) {
    return problem(415, "the body is JSON", R"(Content-Type: application/json, {"token": "..."})");
  }
  auto body = nlohmann::json::parse(call.request->body, nullptr, /*allow_exceptions=*/false);
  if (!body.is_object() || !body.contains("token") || !body["token"].is_string()) {
    return problem(400, "there is no token in the body", R"(send {"token": "..."})");
  }
  TRY_ASSIGN(std::optional<NewSession> session, access.sign_in(body["token"]));
  if (!session) {
    access.note_failure(call.request->peer);
    return problem(401, "this token is not known", "bemi serve --new-token makes another");
  }
  Response response = json(session_json(*call.services, session->identity));
  constexpr std::int64_t lifetime_s = std::chrono::seconds(session_lifetime).count();
  response.headers.emplace_back("Set-Cookie", cookie(call, session->cookie_value, lifetime_s));
  return response;
}

base::Result<Response> session(const Call& call) {
  return json(session_json(*call.services, *call.identity));
}

base::Result<Response> sign_out(const Call& call) {
  TRY(call.services->access->sign_out(call.request->cookie(call.services->cookie_name)));
  Response response{.status = 204, .content_type = ""};
  response.headers.emplace_back("Set-Cookie", cookie(call, "", 0));
  return response;
}

}  // namespace serve
