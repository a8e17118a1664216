// SPDX-License-Identifier: LGPL-3.0-or-later
//
// Decides where the worker resumes: at the stored progress if slot and source are still the same,
// else at a new slot, else not at all. Nothing here guesses: a possible hole is an error of kind
// gap, and is recorded.
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

// Judges the error that ended a stream. If the source cannot send something (error of kind gap),
// this is recorded, with the tables that may be affected.
base::Error judge_end(base::Error error, pg::Connection& source, pg::Connection& destination,
                      const store::Progress& progress);

}  // namespace bemi::worker
