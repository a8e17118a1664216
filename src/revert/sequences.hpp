// SPDX-License-Identifier: LGPL-3.0-or-later
//
// Sequences: their values as JSON, to be kept with a mark and set again. They belong to no
// transaction: set after the rows' commit, a failure leaves values too high, never too low.
#pragma once

#include <string>

#include "pg/connection.hpp"

namespace revert {

// [{"schema", "sequence", "last_value", "is_called"}, ...]
base::Result<std::string> read_sequences(pg::Connection& source);
// Those that have gone since are left out.
base::Status set_sequences(pg::Connection& source, const std::string& values);

}  // namespace revert
