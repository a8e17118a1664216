// SPDX-License-Identifier: LGPL-3.0-or-later
//
// The API's handlers, one for each route of contracts/openapi.json; and how they read parameters.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "query/change_filter.hpp"
#include "serve/router.hpp"

namespace bemi::serve {

// system_api.cpp
base::Result<Response> health(const Call& call);
base::Result<Response> readiness(const Call& call);
base::Result<Response> metrics(const Call& call);
base::Result<Response> openapi(const Call& call);

// session_api.cpp
base::Result<Response> sign_in(const Call& call);
base::Result<Response> session(const Call& call);
base::Result<Response> sign_out(const Call& call);
base::Result<Response> change_password(const Call& call);

// changes_api.cpp
base::Result<Response> changes(const Call& call);
base::Result<Response> change(const Call& call);
base::Result<Response> histogram(const Call& call);
base::Result<Response> download(const Call& call);
base::Result<Response> stream(const Call& call);

// past_api.cpp
base::Result<Response> history(const Call& call);
base::Result<Response> as_of(const Call& call);
base::Result<Response> diff(const Call& call);

// overview_api.cpp
base::Result<Response> groups(const Call& call);
base::Result<Response> trends(const Call& call);
base::Result<Response> tables(const Call& call);
base::Result<Response> context_keys(const Call& call);
base::Result<Response> context_coverage(const Call& call);
base::Result<Response> sources(const Call& call);

// undo_api.cpp
base::Result<Response> plan_revert(const Call& call);
base::Result<Response> apply_revert(const Call& call);
base::Result<Response> list_marks(const Call& call);
base::Result<Response> create_mark(const Call& call);
base::Result<Response> roll_back(const Call& call);
base::Result<Response> roll_forward(const Call& call);
base::Result<Response> delete_mark(const Call& call);

// users_api.cpp
base::Result<Response> list_users(const Call& call);
base::Result<Response> set_user(const Call& call);
base::Result<Response> remove_user(const Call& call);
base::Result<Response> list_actions(const Call& call);

// managed_api.cpp
base::Result<Response> list_managed(const Call& call);
base::Result<Response> check_source(const Call& call);
base::Result<Response> add_source(const Call& call);
base::Result<Response> pause_source(const Call& call);
base::Result<Response> resume_source(const Call& call);
base::Result<Response> remove_source(const Call& call);

// webhooks_api.cpp
base::Result<Response> list_webhooks(const Call& call);
base::Result<Response> set_webhook(const Call& call);
base::Result<Response> test_webhook(const Call& call);
base::Result<Response> remove_webhook(const Call& call);

// views_api.cpp
base::Result<Response> list_views(const Call& call);
base::Result<Response> set_view(const Call& call);
base::Result<Response> remove_view(const Call& call);

// parameters.cpp
inline constexpr std::array<std::string_view, 11> filter_parameters{
    "table",   "primary_key",     "operation", "context_verified",
    "context", "without_context", "q",         "transaction",
    "since",   "until",           "source"};
base::Result<query::ChangeFilter> filter_of(const Request& request);
base::Result<std::int64_t> number_of(const Request& request, std::string_view name,
                                     std::int64_t otherwise, std::int64_t most);
base::Result<std::string> required(const Request& request, std::string_view name);
bool flag_of(const Request& request, std::string_view name);
// nullopt for an empty one too: what a form leaves out.
std::optional<std::string> given(const Request& request, std::string_view name);

}  // namespace bemi::serve
