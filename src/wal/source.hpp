// SPDX-License-Identifier: LGPL-3.0-or-later
//
// The source's identity, which progress is bound to.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "base/clock.hpp"
#include "change/lsn.hpp"
#include "pg/connection.hpp"

namespace bemi::wal {

struct SourceIdentity {
  std::string system_identifier;
  int timeline = 0;
  std::string database;
  int server_version = 0;
  bool in_recovery = false;  // a standby
};

// Over an ordinary connection.
base::Result<SourceIdentity> identify(pg::Connection& source);

// The position at which the source left an earlier timeline; nullopt if it was never on it.
// `replication`: a connection opened with replication = true.
base::Result<std::optional<change::Lsn>> end_of_timeline(pg::Connection& replication, int timeline,
                                                         int current_timeline);

// The source's own clock, and a transaction id that is newer than all that has ended.
struct Moment {
  base::Timestamp time;
  std::uint64_t transaction_id = 0;
};
base::Result<Moment> now(pg::Connection& source);

// The newest position that is flushed (on a standby: replayed).
base::Result<change::Lsn> flushed_position(pg::Connection& source);

// Commits one fence: a transactional message that reaches the worker after all that was committed
// before. Returns its position; the worker's durable position passes it. On a standby, where
// nothing can be written, the current replay position.
base::Result<change::Lsn> emit_fence(pg::Connection& source);
base::Status emit_heartbeat(pg::Connection& source);

}  // namespace bemi::wal
