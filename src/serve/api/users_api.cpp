// SPDX-License-Identifier: LGPL-3.0-or-later
#include <array>
#include <limits>

#include "serve/api/body.hpp"
#include "serve/api/handlers.hpp"
#include "serve/api/recorded.hpp"
#include "serve/problem.hpp"
#include "serve/users.hpp"

namespace bemi::serve {
namespace {

constexpr std::array<std::string_view, 3> user_fields{"name", "role", "password"};
constexpr std::int64_t actions_default = 100;
constexpr std::int64_t actions_max = 1000;

}  // namespace

base::Result<Response> list_users(const Call& call) {
  TRY_ASSIGN(std::string users, call.services->users->list());
  return json("{\"users\": " + users + "}");
}

base::Result<Response> set_user(const Call& call) {
  TRY_ASSIGN(nlohmann::ordered_json body, body_of(call, user_fields));
  NewUser user;
  TRY_ASSIGN(user.name, text_of(body, "name"));
  TRY_ASSIGN(std::string role, text_of(body, "role"));
  auto wanted = read_role(role);
  if (!wanted) return std::unexpected(wrong("role is viewer, operator or admin"));
  user.role = *wanted;
  TRY_ASSIGN(std::string password, text_of(body, "password"));
  if (!password.empty()) user.password = password;
  std::string details = nlohmann::json{{"role", role}, {"password", !password.empty()}}.dump();
  TRY(recorded(call, "user set", user.name, details,
               [&] { return call.services->users->set(user); }));
  call.services->access->forget(user.name);
  return Response{.status = 204, .content_type = ""};
}

base::Result<Response> remove_user(const Call& call) {
  std::string name(call.tail);
  TRY_ASSIGN(bool was_there, recorded(call, "user remove", name, "",
                                      [&] { return call.services->users->remove(name); }));
  call.services->access->forget(name);
  if (!was_there) return problem(404, "there is no user of this name");
  return Response{.status = 204, .content_type = ""};
}

base::Result<Response> list_actions(const Call& call) {
  TRY_ASSIGN(std::int64_t limit, number_of(*call.request, "limit", actions_default, actions_max));
  TRY_ASSIGN(std::int64_t before,
             number_of(*call.request, "before", 0, std::numeric_limits<std::int64_t>::max()));
  TRY_ASSIGN(std::string actions,
             call.services->actions->list(before, limit, flag_of(*call.request, "reads")));
  return json("{\"actions\": " + actions + "}");
}

}  // namespace bemi::serve
