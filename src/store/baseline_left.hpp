// SPDX-License-Identifier: LGPL-3.0-or-later
//
// Tables of a source whose earlier rows the worker does not read, although the history lacks them:
// nobody waits for their baselines.
#pragma once

#include <set>

#include "change/type.hpp"
#include "pg/connection.hpp"
#include "store/progress.hpp"

namespace bemi::store {

using Relations = std::set<change::Oid>;

// Forgets the pieces of baselines of all other tables: nobody goes on with those, as their tables
// were dropped, or are whole.
base::Status forget_ended_pieces(pg::Connection& destination, const Progress& progress,
                                 const Relations& left);
base::Status save_baseline_left(pg::Connection& destination, const Progress& progress,
                                const Relations& relations);
base::Result<Relations> load_baseline_left(pg::Connection& destination, const Progress& progress);

}  // namespace bemi::store
