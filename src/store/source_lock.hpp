// SPDX-License-Identifier: LGPL-3.0-or-later
//
// Of two workers one stores a source. Its lock is a session's, in the destination; the sessions
// that store beside that one share a second lock, so that the next worker begins only when the
// last transaction of this one has ended, one way or the other (PostgreSQL manual, 13.3.5).
#pragma once

#include <string>

#include "pg/connection.hpp"

namespace bemi::store {

struct SourceLock {
  std::string source;
  std::string holder;  // the process in the destination
};

// For as long as the connection. Error of kind lock_timeout when another worker has it: who waits
// for it takes over.
base::Result<SourceLock> lock_source(pg::Connection& destination, const std::string& source);

// Another connection of who holds `lock`. Error of kind lock_timeout when it holds it no longer.
base::Status share_lock(pg::Connection& destination, const SourceLock& lock);

}  // namespace bemi::store
