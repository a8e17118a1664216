// SPDX-License-Identifier: LGPL-3.0-or-later
//
// The replication slot: the server's own memory of how far we are.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "change/lsn.hpp"
#include "pg/connection.hpp"

namespace bemi::wal {

struct Slot {
  std::string name;
  std::string plugin;
  std::string database;
  bool active = false;
  int active_pid = 0;
  change::Lsn confirmed_flush;
  change::Lsn restart;
  std::string wal_status;                      // reserved, extended, unreserved, lost
  std::int64_t retained_bytes = 0;             // WAL kept because of this slot
  std::optional<std::int64_t> safe_wal_bytes;  // until max_slot_wal_keep_size cuts it off
};

// Why the slot is none that could be read here: another database's, or another program's. Empty
// when it could be.
std::string foreign_slot(const Slot& slot, const std::string& database);

base::Result<std::optional<Slot>> find_slot(pg::Connection& source, const std::string& name);

struct NewSlot {
  change::Lsn consistent_point;
  std::string snapshot;  // exported; valid while the replication connection makes no other call
};
enum class SlotKind {
  lasting,    // from 17 on it moves to a standby with the rest, where slots are synchronised
  temporary,  // gone with the connection
};
// `replication`: a connection opened with replication = true. Waits for the transactions that are
// open now, as PostgreSQL does.
base::Result<NewSlot> create_slot(pg::Connection& replication, const std::string& name,
                                  SlotKind kind);

// Frees a slot that the walsender of a worker that is gone still holds, as one does until
// wal_sender_timeout if the network failed. A reader that is alive gives feedback every second and
// is left alone: error of kind serialization. Returns at once if nobody holds the slot.
base::Status release_slot(pg::Connection& source, const std::string& name);

// Ends the creation of a slot by a worker that is gone: the server would go on waiting for open
// transactions.
base::Status end_creation(pg::Connection& source, const std::string& name);

// A slot that does not exist is no error. An active one is an error of kind conflict.
base::Status drop_slot(pg::Connection& source, const std::string& name);

}  // namespace bemi::wal
