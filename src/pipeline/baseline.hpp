// SPDX-License-Identifier: LGPL-3.0-or-later
//
// The rows that tables have already, as SNAPSHOT changes: read in one exported snapshot by several
// connections, each taking ranges of blocks; a range is stored and noted in one transaction.
//
// Cut short, what is missing is read later in another snapshot. That loses and invents nothing:
// what changed between the two is in the stream, with the whole row.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "pg/connection.hpp"
#include "pipeline/settings.hpp"
#include "store/baseline_writer.hpp"
#include "wal/tables.hpp"

namespace pipeline {

struct Snapshot {
  std::string name;  // exported, and held for as long as it is read
  store::BaselinePlace place;
};

// The published tables whose earlier rows the history lacks.
base::Result<std::vector<wal::Table>> tables_to_read(pg::Connection& source,
                                                     pg::Connection& destination,
                                                     const store::Progress& progress,
                                                     const Settings& settings);

// Whether the settings want these tables' rows: all or none.
bool wants_baseline(const std::vector<wal::Table>& tables, const Settings& settings);

// `interrupt`: ends it between two rows.
base::Status read_baseline(const std::vector<wal::Table>& tables, const Snapshot& snapshot,
                           const store::Progress& progress, const Settings& settings,
                           const base::Interrupt& interrupt);

}  // namespace pipeline
