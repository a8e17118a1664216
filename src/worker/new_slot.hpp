// SPDX-License-Identifier: LGPL-3.0-or-later
//
// A new slot begins when all transactions that were open have ended, in every database of the
// server. That can take hours, so it reports what it waits for.
#pragma once

#include <string>

#include "pg/connection.hpp"
#include "wal/slot.hpp"

namespace bemi::worker {

// `source`: an ordinary connection, used to look while `replication` waits.
base::Result<wal::NewSlot> make_slot(pg::Connection& source, pg::Connection& replication,
                                     const std::string& name, wal::SlotKind kind);

}  // namespace bemi::worker
