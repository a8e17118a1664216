// SPDX-License-Identifier: LGPL-3.0-or-later
//
// SourceMaintenance: what the worker does for its source beside the stream, on a thread and a
// connection of its own: heartbeats, and tables that came into being. Its failures are logged,
// never fatal.
#pragma once

#include <chrono>
#include <optional>
#include <set>
#include <string>

#include "base/periodic.hpp"
#include "pg/connection.hpp"
#include "pipeline/settings.hpp"
#include "store/progress.hpp"
#include "wal/event_triggers.hpp"

namespace bemi::worker {

class SourceMaintenance {
 public:
  // `progress`: where the stream goes on from. `interrupt`: ends its waits for the server.
  SourceMaintenance(const pipeline::Settings& settings, const store::Progress& progress,
                    const base::Interrupt& interrupt);

 private:
  using Clock = std::chrono::steady_clock;
  void do_what_is_due();
  [[nodiscard]] std::chrono::milliseconds until_next() const;
  base::Status connect();
  base::Status beat();
  base::Status find_unseen_changes();
  base::Status find_new_tables();

  const pipeline::Settings* settings_;
  const base::Interrupt* interrupt_;
  std::optional<pg::Connection> source_;
  std::set<std::string> warned_;  // tables that could not be published: said once
  std::string catalog_changes_;   // as counted at the last look
  wal::Look looked_;              // until here nothing went unseen
  wal::Look quiet_;  // the last look that found nothing counted; of use at the next one
  std::chrono::seconds tables_interval_;
  Clock::time_point beat_at_;
  Clock::time_point look_at_;
  base::Periodic periodic_;  // last: it uses the others
};

}  // namespace bemi::worker
