// SPDX-License-Identifier: LGPL-3.0-or-later
//
// Keeps a growing history within bounds, window by window (partition by partition). It makes the
// next one ahead of time, seals, lists, archives and packs closed ones, and drops expired ones.
// Before it drops one, it stores the last version of each row again, because later questions need
// that.
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
  enum class Kind { make, seal, list, checkpoint, archive, thin, pack, drop, keep };
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
