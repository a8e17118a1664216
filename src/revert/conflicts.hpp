// SPDX-License-Identifier: LGPL-3.0-or-later
//
// Conflicts: those that the stage holds, as values for a plan, with who made the later changes.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "revert/execution.hpp"
#include "revert/history.hpp"
#include "revert/stage.hpp"

namespace bemi::revert {

struct Conflicts {
  std::vector<Conflict> shown;
  std::int64_t count = 0;
};
base::Result<Conflicts> read_conflicts(pg::Connection& source, History& history,
                                       const Stage& stage);

// The changes that have to be undone too, so that nothing stands in the way any more.
base::Result<std::vector<std::string>> changes_in_the_way(pg::Connection& source, History& history,
                                                          const Stage& stage,
                                                          const LiveSchema& schema);

// Finds the row (its n) for which the source refuses the whole; empty when it is not a single one.
base::Result<std::string> find_refused(pg::Connection& source, Stage& stage, Execution execution,
                                       const base::Error& error);

}  // namespace bemi::revert
