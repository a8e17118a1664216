// SPDX-License-Identifier: LGPL-3.0-or-later
//
// Errors as problem documents (RFC 9457): title, detail, and as `hint` what can be done.
#pragma once

#include <string_view>

#include "serve/http.hpp"

namespace bemi::serve {

Response problem(int status, std::string_view detail, std::string_view hint = {});
// With the status that the error's kind and SQLSTATE call for.
Response problem(const base::Error& error);

}  // namespace bemi::serve
