// SPDX-License-Identifier: LGPL-3.0-or-later
//
// The past from the live table: its rows as they are, in one snapshot of the source, and the
// changes since undone, of those transactions that the snapshot shows and of no others. Exact, and
// complete where no baseline was ever taken.
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "change/relation.hpp"
#include "pg/connection.hpp"
#include "query/past.hpp"

namespace bemi::query {

// A row of COPY's text as the history would store it.
struct LiveRow {
  std::string key;
  bool has_key = false;
  std::string row;    // JSON
  std::string exact;  // JSON objects of this row's columns, or empty
  std::string fidelity = {};
};
using ReadRow = std::function<base::Result<LiveRow>(std::string_view line)>;

// The source, and what this layer cannot do itself.
class LiveSide {
 public:
  virtual ~LiveSide() = default;
  virtual pg::Connection& connection() = 0;
  // Returns when all that was committed until the call is stored.
  virtual base::Status catch_up() = 0;
  virtual ReadRow reader(const change::Relation& relation) = 0;
};

struct Asked {
  TableName table;
  std::optional<std::string> key;
  std::string moment;
  PastOptions options;
  std::optional<std::int64_t> live_rows_max;  // a larger table's are not read
};

// In no order. An error that names the time: there is no way back to it.
base::Result<std::vector<PastRow>> walk_back(pg::Connection& history, LiveSide& live,
                                             const Asked& asked);

}  // namespace bemi::query
