// SPDX-License-Identifier: LGPL-3.0-or-later
//
// A server's error as ours: its SQLSTATE decides the kind (manual, appendix "Error Codes").
#pragma once

#include <string_view>

#include "base/error.hpp"

typedef struct pg_result PGresult;

namespace bemi::pg {

base::Error server_error(const PGresult* result);
base::ErrorKind kind_of(std::string_view sqlstate);

// Why a server did not let us in. The words are in its language; the SQLSTATE is not.
struct Refusal {
  std::string sqlstate;  // empty: no server said anything
  std::string message;
};
// Reads libpq's verbose text about a failed connection. If several servers refused, the last one's
// refusal.
Refusal refusal_in(std::string_view verbose);
base::Error refusal_error(const Refusal& refusal, bool replication);

}  // namespace bemi::pg
