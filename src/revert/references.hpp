// SPDX-License-Identifier: LGPL-3.0-or-later
//
// References: rows outside the plan that conflict with it (those that refer to a row that would go,
// the parent that a row would need, another row with its unique value), found by set before
// anything is written. PostgreSQL would refuse too, or worse: cascade.
#pragma once

#include <string>
#include <vector>

#include "revert/stage.hpp"

namespace bemi::revert {

// Obstacles go into _bemi_state as conflicts; under `skip` the rows are left out, and
// then those that depend on them, until nothing more is found.
base::Status check_references(pg::Connection& source, const Stage& stage, const LiveSchema& schema,
                              OnConflict policy);

// A row of others that refers to what would go.
struct Dependent {
  std::string schema;
  std::string table;
  std::string key;  // as the history has it
};
base::Result<std::vector<Dependent>> dependents(pg::Connection& source, const Stage& stage,
                                                const LiveSchema& schema);

// Columns by which a table's updated rows take values from each other (a swap), so that no order of
// single updates would do.
base::Result<std::vector<const UniqueKey*>> exchanged_keys(pg::Connection& source,
                                                           const Stage& stage,
                                                           const StageTable& table);

}  // namespace bemi::revert
