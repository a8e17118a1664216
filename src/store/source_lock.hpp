// SPDX-License-Identifier: LGPL-3.0-or-later
//
// Lets only one worker store a source. The lock belongs to a session of the destination. The
// sessions that store beside it share a second lock, so that the next worker begins only when the
// last transaction of this one has ended, one way or the other (PostgreSQL manual, 13.3.5).
#pragma once

#include <string>

#include "pg/connection.hpp"

namespace bemi::store {

struct SourceLock {
  std::string source;
  std::string holder;  // the process in the destination
};

// Held as long as the connection. Error of kind lock_timeout if another worker has it; a worker
// that keeps trying takes over.
base::Result<SourceLock> lock_source(pg::Connection& destination, const std::string& source);

// Shares `lock` with another connection of the same worker. Error of kind lock_timeout if the
// holder has lost it.
base::Status share_lock(pg::Connection& destination, const SourceLock& lock);

}  // namespace bemi::store
