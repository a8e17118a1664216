// SPDX-License-Identifier: LGPL-3.0-or-later
#include <array>

#include "serve/access.hpp"
#include "serve/api/body.hpp"
#include "serve/api/handlers.hpp"
#include "serve/problem.hpp"
#include "serve/views.hpp"

namespace bemi::serve {
namespace {

constexpr std::array<std::string_view, 3> view_fields{"name", "address", "shared"};

}  // namespace

base::Result<Response> list_views(const Call& call) {
  TRY_ASSIGN(std::string views, call.services->views->list(call.identity->name));
  return json("{\"views\": " + views + "}");
}

base::Result<Response> set_view(const Call& call) {
  TRY_ASSIGN(nlohmann::ordered_json body, body_of(call, view_fields));
  View view{.owner = call.identity->name};
  TRY_ASSIGN(view.name, text_of(body, "name"));
  TRY_ASSIGN(view.address, text_of(body, "address"));
  TRY_ASSIGN(view.is_shared, truth_of(body, "shared", false));
  // A viewer may not change views that others see.
  if (view.is_shared && call.identity->role < Role::operator_) {
    return problem(403, "sharing a view needs the role operator", "keep it for yourself");
  }
  TRY(call.services->views->set(view));
  return Response{.status = 204, .content_type = ""};
}

base::Result<Response> remove_view(const Call& call) {
  std::string owner = given(*call.request, "owner").value_or(call.identity->name);
  if (owner != call.identity->name && call.identity->role < Role::admin) {
    return problem(403, "only an admin can delete somebody else's view");
  }
  TRY_ASSIGN(bool was_there, call.services->views->remove(owner, std::string(call.tail)));
  if (!was_there) return problem(404, "there is no view of this name");
  return Response{.status = 204, .content_type = ""};
}

}  // namespace bemi::serve
