// SPDX-License-Identifier: LGPL-3.0-or-later
//
// LateBaseline: beside the stream, on a thread and connections of its own, takes the baseline of
// tables whose earlier rows the history lacks: those added later, those of a start that was cut
// short, those that were out of the publication for a while. Its failures are logged and tried
// again, never fatal.
#pragma once

#include <chrono>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "base/periodic.hpp"
#include "pg/connection.hpp"
#include "pipeline/settings.hpp"
#include "store/baseline_left.hpp"
#include "store/progress.hpp"
#include "store/table_gap.hpp"
#include "worker/baseline.hpp"

namespace bemi::worker {

class LateBaseline {
 public:
  // `interrupt`: ends its waits and its reading.
  LateBaseline(const pipeline::Settings& settings, store::Progress progress,
               const base::Interrupt& interrupt);

 private:
  std::chrono::seconds look_and_wait();  // the pause until the next look
  base::Status look();
  [[nodiscard]] std::vector<wal::Table> wanted(std::vector<wal::Table> tables) const;
  base::Result<std::string> find_toggled(pg::Connection& source, pg::Connection& destination);
  base::Status find_reshapes(pg::Connection& source, pg::Connection& destination);
  base::Status remember(pg::Connection& destination, store::PublicationSeen seen);
  base::Status take(pg::Connection& source, pg::Connection& destination);
  base::Status note_left(pg::Connection& destination, const std::vector<wal::Table>& tables);
  base::Status pass_fence(pg::Connection& source, pg::Connection& destination);
  base::Result<pg::Connection> open_source(bool replication = false) const;
  base::Result<pg::Connection> open_destination() const;

  const pipeline::Settings* settings_;
  store::Progress progress_;
  const base::Interrupt* interrupt_;
  base::Timestamp looked_at_;  // the source's clock; until then all was seen that should be
  std::optional<store::PublicationSeen> seen_;                               // as it is stored
  std::map<change::Oid, std::chrono::steady_clock::time_point> not_before_;  // given up for now
  std::optional<store::Relations> left_;                                     // as it was noted last
  std::chrono::seconds look_interval_;
  std::chrono::seconds retry_pause_;
  base::Periodic periodic_;  // last: it uses the others
};

}  // namespace bemi::worker
