// SPDX-License-Identifier: LGPL-3.0-or-later
//
// The names of the destination, shared by those who write it and those who read it.
// Its SQL is contracts/history/*.sql.
#pragma once

#include <string>

#include "pg/connection.hpp"

namespace bemi::store {

inline constexpr const char* changes_table = "changes";
inline constexpr const char* own_schema = "_bemi";

// "public"."changes"
inline std::string changes_name(const std::string& schema) {
  return pg::quote_name(schema, changes_table);
}

// The schema that `changes` lives in here. Error of kind usage when the destination was never
// prepared (hint: bemi init).
base::Result<std::string> history_schema(pg::Connection& destination);

}  // namespace bemi::store
