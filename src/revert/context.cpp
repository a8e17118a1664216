// SPDX-License-Identifier: LGPL-3.0-or-later
#include "revert/context.hpp"

#include <algorithm>
#include <vector>

#include <nlohmann/json.hpp>

#include "revert/limits.hpp"

namespace bemi::revert {

using nlohmann::json;

std::string context_of(const Request& request, const Plan& plan) {
  json context = json::parse(request.context, nullptr, /*allow_exceptions=*/false);
  if (!context.is_object()) context = json::object();
  std::size_t count = plan.transactions.size();
  std::size_t left_out = count - std::min(count, limits::transactions_named_max);
  auto named = plan.transactions.begin() + static_cast<std::ptrdiff_t>(left_out);
  context["revert_of"] = std::vector(named, plan.transactions.end());
  if (left_out > 0) context["revert_more"] = left_out;
  if (!request.actor.empty()) context["actor"] = request.actor;
  if (!request.reason.empty()) context["reason"] = request.reason;
  bool partial = std::ranges::any_of(plan.tables, [](const TablePlan& t) { return t.skipped > 0; });
  if (partial) context["revert_partial"] = true;
  context["_bemi"] = {{"v", 1}, {"scope", "transaction"}};
  return context.dump(-1, ' ', /*ensure_ascii=*/true, json::error_handler_t::replace);
}

}  // namespace bemi::revert
