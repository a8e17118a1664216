// SPDX-License-Identifier: LGPL-3.0-or-later
//
// Counters: what one commit adds to the numbers of a source in `_bemi.source`.
#pragma once

#include <cstdint>

#include "change/change.hpp"

namespace bemi::store {

struct Counters {
  std::int64_t transactions = 0;
  std::int64_t changes = 0;
  std::int64_t changes_with_context = 0;
  std::int64_t written = 0;  // of rows, by somebody
  std::int64_t written_with_context = 0;
  std::int64_t contexts_rejected = 0;
  std::int64_t schema_refused = 0;
  std::int64_t messages_refused = 0;

  void count(const change::Change& change);
  void count(const change::RefusedCounts& refused);
};

}  // namespace bemi::store
