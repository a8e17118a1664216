// SPDX-License-Identifier: LGPL-3.0-or-later
//
// The contract as the server holds everyone to it: what contracts/openapi.json says of a request's
// parameters and body is read from there, so that what is written and what is enforced are one.
// Errors are of kind usage, and name the parameter or field. Safe for many threads.
#pragma once

#include <string_view>

#include <nlohmann/json.hpp>

#include "base/result.hpp"
#include "serve/http.hpp"

namespace bemi::serve {

// Which operation is asked for: "GET", "/api/changes/{id}".
struct Operation {
  std::string_view method;
  std::string_view pattern;
};

// Parameters of the path, the query and headers. `tail` is what the pattern's {...} stands for. An
// empty parameter counts as one that is left out: what a form sends.
base::Status check_parameters(const Operation& operation, const Request& request,
                              std::string_view tail);

base::Status check_body(const Operation& operation, const nlohmann::ordered_json& body);

}  // namespace bemi::serve
