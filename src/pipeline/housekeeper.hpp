// SPDX-License-Identifier: LGPL-3.0-or-later
//
// Housekeeper: what the worker does for its source beside the stream, on a thread and a connection
// of its own: heartbeats, and tables that came into being. Its failures are logged, never fatal.
#pragma once

#include <condition_variable>
#include <mutex>
#include <optional>
#include <set>
#include <string>
#include <thread>

#include "pg/connection.hpp"
#include "pipeline/settings.hpp"

namespace pipeline {

class Housekeeper {
 public:
  // `interrupt`: ends its waits for the server.
  Housekeeper(const Settings& settings, const base::Interrupt& interrupt);
  ~Housekeeper();

 private:
  void loop(const std::stop_token& stop);
  base::Status connect();
  base::Status beat();
  base::Status find_new_tables();

  const Settings* settings_;
  const base::Interrupt* interrupt_;
  std::optional<pg::Connection> source_;
  std::set<std::string> warned_;  // tables that could not be published: said once
  std::mutex mutex_;
  std::condition_variable_any wake_;
  std::jthread thread_;  // last: it uses the others
};

}  // namespace pipeline
