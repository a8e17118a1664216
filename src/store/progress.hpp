// SPDX-License-Identifier: LGPL-3.0-or-later
//
// Progress: the row of _bemi.source, what the worker resumes from.
#pragma once

#include <algorithm>
#include <optional>
#include <string>

#include "base/clock.hpp"
#include "change/lsn.hpp"
#include "pg/connection.hpp"

namespace bemi::store {

enum class SourceState { creating, streaming, stopped };

struct Progress {
  std::string source;
  std::string database;
  std::string slot;
  std::string publication;
  SourceState state = SourceState::creating;
  std::string system_identifier;
  int timeline = 0;
  int epoch = 1;
  change::Lsn consistent_point;
  change::Lsn position;          // end of the last durable source transaction
  base::Timestamp effective_at;  // of the last stored transaction

  // Past what was committed at `to`; times never go back.
  void advance(change::Lsn to, base::Timestamp committed_at) {
    position = std::max(position, to);
    effective_at = std::max(effective_at, committed_at);
  }
};

// nullopt when this source was never stored here.
base::Result<std::optional<Progress>> load_progress(pg::Connection& destination,
                                                    const std::string& source);
// Writes the whole row (insert or replace), counters kept.
base::Status save_progress(pg::Connection& destination, const Progress& progress);
// The source goes on under another timeline, without a gap.
base::Status save_timeline(pg::Connection& destination, const std::string& source, int timeline);
base::Status forget_source(pg::Connection& destination, const std::string& source);

// The worker that writes the source's history from now on.
struct WorkerNote {
  std::string source;
  std::string host;
  int pid = 0;
  std::string version;
};
base::Status note_worker(pg::Connection& destination, const WorkerNote& worker);

struct Gap {
  std::string source;
  int epoch = 1;
  std::string reason;
  change::Lsn from;
  change::Lsn to;
};
// Records it once while it stays open.
base::Status record_gap(pg::Connection& destination, const Gap& gap);
base::Result<int> open_gaps(pg::Connection& destination, const std::string& source);
// The open gaps' count after closing them all.
base::Result<int> accept_gaps(pg::Connection& destination, const std::string& source);

}  // namespace bemi::store
