// SPDX-License-Identifier: LGPL-3.0-or-later
//
// One POST to an address somewhere, over TLS where it says https. Waits at most `http_client_max`.
#pragma once

#include <string>
#include <string_view>

#include "base/result.hpp"
#include "serve/http.hpp"

namespace serve {

// The status. Follows no redirection. Error of kind connection: nobody answered in time; usage: not
// such an address.
base::Result<int> post(std::string_view url, const Pairs& headers, const std::string& body);

}  // namespace serve
