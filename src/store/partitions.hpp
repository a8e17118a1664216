// SPDX-License-Identifier: LGPL-3.0-or-later
//
// The partitions of `changes`, by effective_at. Every row's partition is made before the row:
// there is no DEFAULT partition, and none is needed, since only the writer writes.
#pragma once

#include <string>
#include <vector>

#include "base/clock.hpp"
#include "pg/connection.hpp"
#include "store/migrate.hpp"

namespace bemi::store {

struct Window {
  std::string name;  // changes_2026_11, changes_2026_w48, changes_2026_11_23
  base::Timestamp from;
  base::Timestamp to;  // exclusive
};

// The window that a time falls into; weeks begin on Monday (ISO 8601).
Window window_of(base::Timestamp time, PartitionBy by);

class Partitions {
 public:
  // Reads which partitions exist, as far as this session sees.
  static base::Result<Partitions> load(pg::Connection& destination, std::string schema);

  [[nodiscard]] bool covers(base::Timestamp time) const;
  // Makes the window of `time` by CREATE and ATTACH, which blocks neither readers nor writers.
  // \pre no transaction is open on `destination`.
  base::Status create(pg::Connection& destination, base::Timestamp time);
  [[nodiscard]] PartitionBy partition_by() const { return by_; }

 private:
  std::string schema_;
  PartitionBy by_ = PartitionBy::month;
  std::vector<Window> windows_;
};

}  // namespace bemi::store
