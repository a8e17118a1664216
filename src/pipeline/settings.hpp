// SPDX-License-Identifier: LGPL-3.0-or-later
//
// A worker's settings.
#pragma once

#include <chrono>
#include <cstdint>
#include <string>

#include "base/interrupt.hpp"
#include "setup/setup.hpp"
#include "store/maintenance.hpp"

namespace bemi::pipeline {

enum class SnapshotPolicy { automatic, initial, none };

struct Settings {
  std::string source_url;
  std::string destination_url;
  std::string maintain_url;  // the destination's maintainer; empty: the worker's own role
  std::string admin_url;     // for what `init` does; empty: the worker's own role tries
  setup::Settings setup;
  SnapshotPolicy snapshot = SnapshotPolicy::automatic;
  std::int64_t snapshot_bytes_max = 10'000'000'000;  // automatic: beyond it, no baseline
  std::chrono::seconds heartbeat_interval{30};
  int store_connections = 1;  // at most, where changes pile up
  std::string spool_directory = "/var/tmp";
  store::MaintenanceSettings maintenance;
  std::string version;                    // of this program
  int status_fd = -1;                     // where worker::Report tells how it does
  const base::Interrupt* stop = nullptr;  // must outlive the worker
};

}  // namespace bemi::pipeline
