// SPDX-License-Identifier: LGPL-3.0-or-later
//
// DestinationMaintenance: what the worker does for its destination beside the stream. Once an hour,
// partitions are made ahead, sealed, archived and dropped (store/maintenance.hpp); while there is
// work, it is noted which stage the others wait for. Its failures are logged and tried again the
// next time, never fatal.
#pragma once

#include <chrono>
#include <cstdint>
#include <string>

#include "base/interrupt.hpp"
#include "base/periodic.hpp"
#include "pipeline/settings.hpp"
#include "pipeline/stages.hpp"

namespace bemi::worker {

class DestinationMaintenance {
 public:
  // `interrupt`: ends its waits for the server.
  DestinationMaintenance(const pipeline::Settings& settings, std::string source_name,
                         const pipeline::Stages& stages, const base::Interrupt& interrupt);

 private:
  base::Status maintain();
  base::Status note_stages();

  const pipeline::Settings* settings_;
  std::string source_name_;
  const pipeline::Stages* stages_;
  const base::Interrupt* interrupt_;
  std::string noted_;  // the counters when they were last noted
  std::chrono::steady_clock::time_point noted_at_;
  std::int64_t store_items_ = 0;
  base::Periodic maintenance_;  // these last: they use the others
  base::Periodic noting_;
};

}  // namespace bemi::worker
