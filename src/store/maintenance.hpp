// SPDX-License-Identifier: LGPL-3.0-or-later
//
// Keeps a history in bounds as it grows, window by window (partition by partition): the next
// one is made ahead, closed ones are sealed, archived and packed, those past their time are
// dropped. What later questions need of a dropped one, the last version of each row, is stored anew
// first.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "pg/connection.hpp"

namespace bemi::store {

// Kept so long; the longest one says when windows go, the shorter ones are taken out of closed
// windows row by row.
struct Retention {
  std::string schema;  // both empty: of all tables that no other one names
  std::string table;
  std::string keep;  // an interval of PostgreSQL's: "90 days", "2 years"
};

struct MaintenanceSettings {
  std::vector<Retention> retention;  // empty: for ever
  std::string archive_directory;     // empty: windows are not archived
};

struct MaintenanceStep {
  enum class Kind { make, seal, checkpoint, archive, thin, pack, drop, keep };
  Kind kind = Kind::make;
  std::string window;
  std::string detail;
};
std::string_view name(MaintenanceStep::Kind kind);

using MaintenanceReport = std::function<void(const MaintenanceStep&)>;

// One round. Each step is reported before it is done; with `dry_run` it is only reported. Safe to
// cut short at any point and to run beside workers; a second round at the same time ends at once,
// with an error of kind lock_timeout. Locks are waited for in short spells, so that nobody queues
// behind.
base::Status maintain(pg::Connection& destination, const MaintenanceSettings& settings,
                      bool dry_run, const MaintenanceReport& report);

}  // namespace bemi::store
