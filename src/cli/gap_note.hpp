// SPDX-License-Identifier: LGPL-3.0-or-later
//
// What an answer about the past does not know.
#pragma once

#include "pg/connection.hpp"
#include "query/table_name.hpp"

namespace bemi::cli {

// Says on stderr where nothing, or not all, is known of the table's source. Says nothing where it
// may not look.
void note_gaps(pg::Connection& destination, const query::TableName& table);

}  // namespace bemi::cli
