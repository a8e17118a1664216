// SPDX-License-Identifier: LGPL-3.0-or-later
//
// Says which spans an answer about the past does not cover.
#pragma once

#include "pg/connection.hpp"
#include "query/table_name.hpp"

namespace bemi::cli {

// Says on stderr where nothing, or not all, is known of the table's source. Says nothing where it
// may not look.
void note_gaps(pg::Connection& destination, const query::TableName& table);

}  // namespace bemi::cli
