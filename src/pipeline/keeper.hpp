// SPDX-License-Identifier: LGPL-3.0-or-later
//
// Keeper: what the worker does for its destination beside the stream. Once an hour, partitions are
// made ahead, sealed, archived and dropped (store/maintenance.hpp); while there is work, it is
// noted which stage the others wait for. Its failures are logged and tried again the next time,
// never fatal.
#pragma once

#include <chrono>
#include <cstdint>
#include <string>

#include "base/interrupt.hpp"
#include "pipeline/periodic.hpp"
#include "pipeline/settings.hpp"
#include "pipeline/stages.hpp"

namespace pipeline {

class Keeper {
 public:
  // `interrupt`: ends its waits for the server.
  Keeper(const Settings& settings, std::string source_name, const Stages& stages,
         const base::Interrupt& interrupt);

 private:
  base::Status maintain();
  base::Status note_stages();

  const Settings* settings_;
  std::string source_name_;
  const Stages* stages_;
  const base::Interrupt* interrupt_;
  std::string noted_;  // the counters when they were last noted
  std::chrono::steady_clock::time_point noted_at_;
  std::int64_t store_items_ = 0;
  Periodic maintenance_;  // these last: they use the others
  Periodic noting_;
};

}  // namespace pipeline
