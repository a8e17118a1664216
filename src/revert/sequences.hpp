// SPDX-License-Identifier: LGPL-3.0-or-later
//
// Sequences: their values as JSON, to be kept with a mark and set again. They belong to no
// transaction: set after the rows' commit, a failure leaves values too high, never too low.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "pg/connection.hpp"
#include "revert/stage.hpp"

namespace bemi::revert {

// [{"schema", "sequence", "oid", "last_value", "is_called"}, ...]
base::Result<std::string> read_sequences(pg::Connection& source);
struct LeftSequence {
  std::string name;    // quoted
  std::string reason;  // denied: the role may not; gone; another: created again under that name
};
// Tells those that were left as they are.
base::Result<std::vector<LeftSequence>> set_sequences(pg::Connection& source,
                                                      const std::string& values);

// A sequence that a column's new values come from, and that would give out what came back.
struct BehindSequence {
  std::string sequence;  // quoted
  std::int64_t value = 0;
  bool may_set = false;
};
// After the table's rows came back.
base::Result<std::vector<BehindSequence>> sequences_behind(pg::Connection& source,
                                                           const StageTable& table);
// No transaction takes it back.
base::Status raise_sequences(pg::Connection& source, const std::vector<BehindSequence>& behind);

}  // namespace bemi::revert
