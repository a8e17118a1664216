// SPDX-License-Identifier: LGPL-3.0-or-later
//
// Fills in columns that the stream did not send: without REPLICA IDENTITY FULL an update does
// not say what was before, nor a large value that stayed as it was. Each value that is filled in is
// marked `reconstructed`, each that the history does not have `unknown`; nothing is guessed: a row
// that was stored before its table changed its shape is not used.
#pragma once

#include "change/change.hpp"
#include "pg/connection.hpp"
#include "store/progress.hpp"

namespace bemi::store {

// Whether complete() would do anything.
bool is_partial(const change::Batch& batch);

// \pre what was appended before is visible on `destination`.
base::Status complete(pg::Connection& destination, const Progress& progress, change::Batch& batch);

}  // namespace bemi::store
