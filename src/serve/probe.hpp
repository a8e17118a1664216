// SPDX-License-Identifier: LGPL-3.0-or-later
//
// Probe: what the history alone cannot tell about a source. `serve` talks to no source; who starts
// it wires one that does.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "base/result.hpp"

namespace bemi::serve {

struct SlotStatus {
  bool is_there = false;
  bool is_active = false;
  std::string wal_status;                      // reserved, extended, unreserved, lost
  std::int64_t retained_bytes = 0;             // WAL that the source keeps for us
  std::optional<std::int64_t> safe_wal_bytes;  // until the source cuts it off
  std::int64_t lag_bytes = 0;                  // written there and not yet stored here
};

class Probe {
 public:
  virtual ~Probe() = default;
  // nullopt: not a source that this program was told of. Called from many threads.
  virtual base::Result<std::optional<SlotStatus>> slot(const std::string& source,
                                                       const std::string& slot_name,
                                                       const std::string& position) = 0;
};

}  // namespace bemi::serve
