// SPDX-License-Identifier: LGPL-3.0-or-later
//
// Where the worker goes on: from the stored progress when slot and source are still the ones it
// speaks of, else from a new slot, else not at all. Nothing here guesses: what would leave a hole
// is an error of kind gap, and is recorded.
#pragma once

#include "pg/connection.hpp"
#include "pipeline/settings.hpp"
#include "store/progress.hpp"
#include "wal/slot.hpp"
#include "wal/source.hpp"

namespace bemi::worker {

// Whether what is stored under this name is this very database; asked before anything is changed
// or waited for. Error of kind conflict or gap.
base::Status check_source(pg::Connection& source, pg::Connection& destination,
                          const pipeline::Settings& settings);

struct Resume {
  store::Progress progress;  // state creating: a new slot is to be made
  wal::SourceIdentity source;
};

base::Result<Resume> find_resume(pg::Connection& source, pg::Connection& destination,
                                 const pipeline::Settings& settings);

// Whether nobody moved the slot past what is stored. Before the stream starts, and again when it
// runs: only then nobody else can.
base::Status check_slot(pg::Connection& source, pg::Connection& destination,
                        const store::Progress& progress);

// What ended a stream. When the source has what it cannot send (error of kind gap), that goes on
// record, with the tables that it may be of.
base::Error judge_end(base::Error error, pg::Connection& source, pg::Connection& destination,
                      const store::Progress& progress);

}  // namespace bemi::worker
