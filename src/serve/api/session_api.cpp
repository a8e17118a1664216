// SPDX-License-Identifier: LGPL-3.0-or-later
#include <array>

#include <nlohmann/json.hpp>

#include "serve/api/body.hpp"
#include "serve/api/handlers.hpp"
#include "serve/api/recorded.hpp"
#include "serve/contract.hpp"
#include "serve/limits.hpp"
#include "serve/problem.hpp"
#include "serve/users.hpp"

namespace bemi::serve {
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

std::string text_in(const nlohmann::ordered_json& body, const char* name) {
  auto found = body.is_object() ? body.find(name) : body.end();
  bool is_text = found != body.end() && found->is_string();
  std::string text = is_text ? found->get<std::string>() : "";
  return text.contains('\0') ? "" : text;
}

Response locked_out() {
  Response response = problem(429, "too many wrong tokens or passwords", "wait a minute");
  response.headers.emplace_back("Retry-After", "60");
  return response;
}

constexpr std::array<std::string_view, 2> password_fields{"old_password", "new_password"};

}  // namespace

base::Result<Response> sign_in(const Call& call) {
  Access& access = *call.services->access;
  std::string client = access.client(*call.request);
  if (access.lockout().holds(client)) return locked_out();
  // A form of another site cannot send this type without being asked first.
  if (!call.request->header("content-type").starts_with("application/json")) {
    return problem(415, "the body is JSON", R"(Content-Type: application/json, {"token": "..."})");
  }
  TRY_ASSIGN(nlohmann::ordered_json body, read_json(call.request->body));
  if (!body.is_object()) return std::unexpected(wrong("the body is no JSON object"));
  TRY(check_body({call.route->method, call.route->pattern}, body));
  std::string token = text_in(body, "token");
  std::string user = text_in(body, "name");
  if (token.empty() && user.empty()) {
    return problem(400, "there is no token in the body, and no name",
                   R"(send {"token": "..."} or {"name": "...", "password": "..."})");
  }
  TRY_ASSIGN(
      std::optional<NewSession> session,
      token.empty() ? access.sign_in(user, text_in(body, "password")) : access.sign_in(token));
  if (!session) {
    access.lockout().note_failure(client);
    return token.empty()
               ? problem(401, "no user has this name and password")
               : problem(401, "this token is not known", "bemi serve --new-token makes another");
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

// A stranger at a signed-in browser does not have the password, so the old one is required. Wrong
// guesses count against the session's own user, so that a stranger's guesses elsewhere lock nobody
// out.
base::Result<Response> change_password(const Call& call) {
  Access& access = *call.services->access;
  std::string guesser = "password of " + call.identity->name;
  if (access.lockout().holds(guesser)) return locked_out();
  TRY_ASSIGN(nlohmann::ordered_json body, body_of(call, password_fields));
  std::string cookie = call.request->cookie(call.services->cookie_name);
  PasswordChange change{.name = call.identity->name,
                        .old_password = {},
                        .new_password = {},
                        .kept_session = Access::session_hash(cookie)};
  TRY_ASSIGN(change.old_password, text_of(body, "old_password"));
  TRY_ASSIGN(change.new_password, text_of(body, "new_password"));
  auto changed = recorded(call, "password change", change.name, "",
                          [&] { return call.services->users->change_password(change); });
  if (!changed) {
    if (changed.error().kind == base::ErrorKind::permission) {
      access.lockout().note_failure(guesser);
    }
    return std::unexpected(std::move(changed).error());
  }
  access.forget_others(change.name, cookie);
  return Response{.status = 204, .content_type = ""};
}

}  // namespace bemi::serve
