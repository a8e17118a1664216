// SPDX-License-Identifier: LGPL-3.0-or-later
//
// A worker's settings. A new option of the worker is added to WorkerOptions, and its flag with its
// help to cli/options.cpp.
#pragma once

#include <chrono>
#include <cstdint>
#include <string>
#include <vector>

#include "base/interrupt.hpp"
#include "change/context_key.hpp"
#include "setup/setup.hpp"
#include "store/maintenance.hpp"

namespace bemi::pipeline {

enum class SnapshotPolicy { automatic, initial, none };

// The options that flags of `bemi run` set as they are.
struct WorkerOptions {
  std::uint64_t snapshot_bytes_max = 10'000'000'000;  // automatic: beyond it, no baseline
  int heartbeat_interval_s = 30;
  int store_connections = 0;  // 0: two, or one where the history is in the source's database
  std::string spool_directory = "/var/tmp";
  int status_fd = -1;  // of a worker that another program runs: where it reports its state

  [[nodiscard]] std::chrono::seconds heartbeat_interval() const {
    return std::chrono::seconds(heartbeat_interval_s);
  }
};

struct Settings : WorkerOptions {
  std::string source_url;
  std::string destination_url;
  std::string maintain_url;  // the destination's maintainer; empty: the worker's own role
  std::string admin_url;     // for what `init` does; empty: the worker's own role tries
  setup::Settings setup;
  SnapshotPolicy snapshot = SnapshotPolicy::automatic;
  store::MaintenanceSettings maintenance;
  std::vector<change::ContextKey> context_keys;  // of the applications that sign their contexts
  std::string version;                           // of this program
  const base::Interrupt* stop = nullptr;         // must outlive the worker
};

}  // namespace bemi::pipeline
