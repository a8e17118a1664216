// SPDX-License-Identifier: LGPL-3.0-or-later
//
// A server's error as ours: its SQLSTATE decides the kind (manual, appendix "Error Codes").
#pragma once

#include <string_view>

#include "base/error.hpp"

typedef struct pg_result PGresult;

namespace pg {

base::Error server_error(const PGresult* result);
base::ErrorKind kind_of(std::string_view sqlstate);

}  // namespace pg
