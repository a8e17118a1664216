// SPDX-License-Identifier: LGPL-3.0-or-later
//
// A session that reads tables in an exported snapshot. Each piece is read in a transaction of its
// own: locks do not add up over thousands of tables, and an application's DDL waits for one piece
// at most.
#pragma once

#include <string>

#include "base/interrupt.hpp"
#include "change/type.hpp"
#include "pg/connection.hpp"

namespace bemi::worker {

class SnapshotSession {
 public:
  // `snapshot`: exported, and held by another session as long as this one begins transactions.
  static base::Result<SnapshotSession> open(const std::string& source_url, std::string snapshot,
                                            const base::Interrupt& interrupt);

  // Ends the last transaction, and begins one that sees the snapshot.
  base::Status begin();
  // Until this one ends, nobody may empty or rewrite the table. Error of kind serialization if that
  // has happened since the snapshot: the rows that it showed are gone.
  base::Status lock(change::Oid table, const std::string& quoted_name);

  pg::Connection& connection() { return source_; }

 private:
  SnapshotSession(pg::Connection source, std::string snapshot);

  pg::Connection source_;
  std::string snapshot_;
  bool in_transaction_ = false;
};

}  // namespace bemi::worker
