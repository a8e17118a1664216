// SPDX-License-Identifier: LGPL-3.0-or-later
//
// PastViews: beside the stream, on a thread and connections of its own, keeps the views of the past
// (contracts/history/0004_time_travel_views.sql) up to date with the history. Its failures are
// logged and tried again, never fatal: a view that is behind says so.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>

#include "base/periodic.hpp"
#include "pg/connection.hpp"
#include "pipeline/settings.hpp"

namespace bemi::worker {

class PastViews {
 public:
  // `interrupt`: ends its waits and its statements.
  PastViews(const pipeline::Settings& settings, std::string source_name,
            const base::Interrupt& interrupt);

 private:
  std::chrono::milliseconds keep_up();  // the pause until the next time
  base::Status refresh();
  base::Status tell_untracked();

  const pipeline::Settings* settings_;
  std::string source_name_;
  const base::Interrupt* interrupt_;
  std::optional<pg::Connection> destination_;
  std::string told_;  // of the tables that are not tracked
  int rounds_ = 0;
  std::int64_t remaining_ = 0;  // tables whose views are still to be made
  std::chrono::seconds retry_pause_;
  base::Periodic periodic_;  // last: it uses the others
};

}  // namespace bemi::worker
