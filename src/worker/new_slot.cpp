// SPDX-License-Identifier: LGPL-3.0-or-later
#include "worker/new_slot.hpp"

#include <chrono>
#include <condition_variable>
#include <mutex>
#include <thread>

#include "base/log.hpp"
#include "worker/sql.hpp"

namespace bemi::worker {
namespace {

using namespace std::chrono_literals;

constexpr auto first_look = 1s;
constexpr auto look_interval = 30s;

// Says once in a while what is waited for, as long as it lives.
class Watch {
 public:
  Watch(pg::Connection& source, const std::string& slot)
      : thread_([this, &source, slot](const std::stop_token& stop) { loop(stop, source, slot); }) {}
  ~Watch() {
    thread_.request_stop();
    wake_.notify_all();
  }

 private:
  void loop(const std::stop_token& stop, pg::Connection& source, const std::string& slot) {
    auto pause = first_look;
    while (true) {
      {
        std::unique_lock lock(mutex_);
        wake_.wait_for(lock, stop, pause, [] { return false; });
      }
      if (stop.stop_requested()) return;
      auto open = source.run(sql::open_transactions);
      if (!open) return;  // the waiting itself will end with the error
      if (auto said = open->get(0, 0)) {
        base::log::warning("the slot {} waits for open transactions to end: {}", slot, *said);
      }
      pause = look_interval;
    }
  }

  std::mutex mutex_;
  std::condition_variable_any wake_;
  std::jthread thread_;  // last: it uses the others
};

}  // namespace

base::Result<wal::NewSlot> make_slot(pg::Connection& source, pg::Connection& replication,
                                     const std::string& name, wal::SlotKind kind) {
  Watch watch(source, name);
  return wal::create_slot(replication, name, kind);
}

}  // namespace bemi::worker
