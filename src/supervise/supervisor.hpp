// SPDX-License-Identifier: LGPL-3.0-or-later
//
// Supervisor: a worker for each source of the registry that is not paused, and none for any other.
// Looks every second, so that what a command or another server changed is seen. Of two supervisors
// on one registry, the second's workers stand by: a source's history has one writer.
#pragma once

#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <thread>

#include "supervise/registry.hpp"
#include "supervise/worker_process.hpp"

namespace bemi::supervise {

class Supervisor {
 public:
  // `program`: this binary. The registry outlives it.
  Supervisor(Registry& registry, std::string program);
  // Ends all workers.
  ~Supervisor();
  Supervisor(const Supervisor&) = delete;
  Supervisor& operator=(const Supervisor&) = delete;

  std::map<std::string, WorkerState> states();
  // Ends its worker now, and waits until it has ended.
  void end(const std::string& name);

 private:
  void run(const std::stop_token& stop);
  void adjust(const std::vector<Source>& sources);

  Registry* registry_;
  std::string program_;
  std::mutex mutex_;
  std::map<std::string, std::unique_ptr<WorkerProcess>> workers_;
  std::jthread thread_;
};

}  // namespace bemi::supervise
