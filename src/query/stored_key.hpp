// SPDX-License-Identifier: LGPL-3.0-or-later
//
// The key of a record, from what people write. The history has the text of one column as it is, and
// those of several as a JSON array: ["2756", "WAW-1"]. People write 2756, WAW-1.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "base/result.hpp"
#include "pg/connection.hpp"
#include "query/table_name.hpp"

namespace bemi::query {

// `keys`: the columns of the table's keys, the newest first. Error of kind usage: the text has more
// or fewer parts than any of them has columns.
base::Result<std::string> stored_key(const std::string& text,
                                     const std::vector<std::vector<std::string>>& keys,
                                     const std::string& table);

// For a table of the history. A table that the history does not know has the text as it is.
base::Result<std::string> stored_key(pg::Connection& destination, const TableName& table,
                                     const std::string& text,
                                     const std::optional<std::string>& source);

// The other way round: a stored key as one would write it.
std::string written_key(const std::string& stored);

}  // namespace bemi::query
