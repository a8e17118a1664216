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

namespace bemi::worker {

struct Snapshot {
  std::string name;  // exported, and held for as long as it is read
  store::BaselinePlace place;
};

inline constexpr const char* rows_elsewhere = "a partition of it is a foreign table";
inline constexpr const char* not_published = "it is, or was, not published in full";

// Tables that are there now and not, or not in full, in the history.
struct Missing {
  std::vector<wal::Table> to_read;  // published, but their earlier rows are not known
  std::vector<wal::Table> unseen;   // taken for whole, but not published, or not all the time
  std::vector<wal::Table> whole;    // known whole, and published since
  std::vector<wal::Table> foreign;  // of those: have a foreign partition now
};
base::Result<Missing> find_missing(pg::Connection& source, pg::Connection& destination,
                                   const store::Progress& progress,
                                   const setup::Settings& settings);

// Notes of those that are `unseen` that their changes since then are not all known.
base::Status note_unseen(pg::Connection& destination, const store::Progress& progress,
                         const std::vector<wal::Table>& unseen, base::Timestamp since,
                         const std::string& reason);

// The same before anything mends the publication, which would hide it. Nothing when the source is
// not tracked yet.
base::Status note_missed(pg::Connection& source, pg::Connection& destination,
                         const setup::Settings& settings);

// The time at which the session before was still looking.
base::Timestamp last_look(const store::Progress& progress);

// Whether the settings want these tables' rows: all or none.
bool wants_baseline(const std::vector<wal::Table>& tables, const pipeline::Settings& settings);

// Notes how the tables look, where their rows are not read: from here on their changes are known.
base::Status describe_tables(const std::vector<wal::Table>& tables, const Snapshot& snapshot,
                             const store::Progress& progress, const pipeline::Settings& settings,
                             const base::Interrupt& interrupt);

// `interrupt`: ends it between two rows. A table that the source or the destination cannot take is
// left out with a warning, and told.
base::Result<std::vector<change::Oid>> read_baseline(const std::vector<wal::Table>& tables,
                                                     const Snapshot& snapshot,
                                                     const store::Progress& progress,
                                                     const pipeline::Settings& settings,
                                                     const base::Interrupt& interrupt);

}  // namespace bemi::worker
