// SPDX-License-Identifier: LGPL-3.0-or-later
//
// Reading many rows a few at a time, until their bytes, or the time for them, are over: whatever
// the rows are like, a bounded amount of them is held, here and in the server.
#pragma once

#include <cstddef>
#include <functional>
#include <string>
#include <vector>

#include "pg/connection.hpp"

namespace bemi::query {

struct Reading {
  std::string sql;  // one that finds rows as they are asked for, with its order
  std::vector<pg::Parameter> parameters;
  std::size_t bytes = 0;  // what goes beyond ends the reading; one row is read in any case
};

// False: it wants no more, this row neither.
using TakeRow = std::function<bool(const pg::Rows& rows, int row)>;

// Whether all that there is was taken. In a transaction of its own, which is over afterwards.
base::Result<bool> read_within(const Reading& reading, pg::Connection& connection,
                               const TakeRow& take);

}  // namespace bemi::query
