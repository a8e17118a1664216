// SPDX-License-Identifier: LGPL-3.0-or-later
//
// Whether Bemi's schemas are Bemi's. Who owns a schema can replace what is in it, so that somebody
// who made `_bemi` before us would have our functions' rights. Everything of ours is therefore
// looked at before it is made or run, by its owner and never by what a comment says.
#pragma once

#include <string>

#include "pg/connection.hpp"

namespace bemi::store {

// Error of kind conflict when `_bemi`, `bemi`, a `time_travel` or anything in the first two belongs
// to a role that could have done that: neither this session's, nor a superuser's, nor the owner
// that `bemi init` made for the history. Reads only. To be asked on the source too, before
// anything is made in `_bemi` there; again within the transaction that made it.
base::Status check_own_schema(pg::Connection& connection);

// The error for an object that another role owns and that `us` would run or trust; one wording for
// all. `what`: "the schema x", "the function _bemi.f()".
base::Error foreign_owner(const std::string& what, const std::string& owner, const std::string& us);

}  // namespace bemi::store
