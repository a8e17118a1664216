// SPDX-License-Identifier: LGPL-3.0-or-later
//
// Periodic: a thread that does one thing again and again beside the stream, until it is destroyed.
#pragma once

#include <chrono>
#include <condition_variable>
#include <functional>
#include <mutex>
#include <thread>

namespace bemi::base {

class Periodic {
 public:
  // Does the work and says how long to pause before the next time. It must watch an interrupt of
  // its own where it waits for a server.
  using Work = std::function<std::chrono::milliseconds()>;

  Periodic(std::chrono::milliseconds first_pause, Work work)
      : thread_([this, first_pause, work = std::move(work)](const std::stop_token& stop) {
          for (auto pause = first_pause; wait(stop, pause);) pause = work();
        }) {}
  ~Periodic() {
    thread_.request_stop();
    wake_.notify_all();
  }

 private:
  // False when it is time to end.
  bool wait(const std::stop_token& stop, std::chrono::milliseconds pause) {
    std::unique_lock lock(mutex_);
    wake_.wait_for(lock, stop, pause, [] { return false; });
    return !stop.stop_requested();
  }

  std::mutex mutex_;
  std::condition_variable_any wake_;
  std::jthread thread_;  // last: it uses the others
};

}  // namespace bemi::base
