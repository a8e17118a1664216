// SPDX-License-Identifier: LGPL-3.0-or-later
#include "pipeline/new_slot.hpp"

#include <chrono>
#include <condition_variable>
#include <mutex>
#include <thread>

#include "base/log.hpp"

namespace pipeline {
namespace {

using namespace std::chrono_literals;

constexpr auto first_look = 1s;
constexpr auto look_interval = 30s;

constexpr const char* select_open = R"(
select string_agg(format('%s (%s, %s for %s s)', who, nullif(what, ''), state,
                         extract(epoch from now() - since)::int), ', ' order by since)
from (select 'process ' || pid as who, application_name as what, state, xact_start as since
      from pg_stat_activity where backend_xid is not null and pid <> pg_backend_pid()
      union all
      select 'prepared transaction ' || gid, owner::text, 'prepared', prepared
      from pg_prepared_xacts
      order by since limit 3) open)";

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
      auto open = source.run(select_open);
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

}  // namespace pipeline
