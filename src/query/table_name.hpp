// SPDX-License-Identifier: LGPL-3.0-or-later
//
// TABLE as people write it: table, schema.table, or quoted as in SQL.
#pragma once

#include <string>
#include <string_view>

#include "base/result.hpp"

namespace bemi::query {

struct TableName {
  std::string schema;  // empty: any
  std::string table;
};

// The name quoted for SQL, in schema public if none was given.
std::string quoted(const TableName& name);

// Unquoted parts fold to lower case, as in SQL.
base::Result<TableName> parse_table_name(std::string_view text);

}  // namespace bemi::query
