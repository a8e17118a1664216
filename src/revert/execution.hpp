// SPDX-License-Identifier: LGPL-3.0-or-later
//
// Execution: all that a plan writes, as one statement. Foreign keys are looked at when a statement
// ends, so that neither the order of the tables nor cycles among them matter; within it, rows go
// before values move, and values move before rows come back, for unique keys are looked at row by
// row.
#pragma once

#include <cstdint>
#include <map>
#include <set>
#include <string>
#include <vector>

#include "revert/stage.hpp"

namespace bemi::revert {

// The way in which a table's updated rows are written.
enum class UpdateBy : char {
  update,
  replacing,  // removed and put back: their unique keys change hands
  parking,    // with other values first: they are referred to by what would go with them
};

struct Execution {
  std::map<int, UpdateBy> updates;                      // by table; update where nothing is said
  std::map<int, std::vector<const UniqueKey*>> parked;  // keys whose values change hands
  std::set<int> by_slot;  // tables whose keys others refer to with an action
  bool careful = false;   // rows were in each other's way: where that may be, they are replaced
  // Only rows n of [first, last]: to find the one that is refused.
  std::int64_t first = 0;
  std::int64_t last = INT64_MAX;
};

// Whether updates can be written as such.
base::Result<Execution> plan_execution(pg::Connection& source, const Stage& stage,
                                       const LiveSchema& schema, bool careful = false);
// Whether a careful execution may do what this one did not.
bool may_be_careful(const Stage& stage, const Execution& execution, const base::Error& refused);

// Pure: the statement. Its one row has a count for each of `shapes_in`.
std::string statement_of(const Stage& stage, const Execution& execution);
std::vector<const StageShape*> shapes_in(const Stage& stage);
// The same as a person reads it: "update public.todo set task, done".
std::vector<std::string> described(const Stage& stage, const Execution& execution, int tab,
                                   const std::set<int>& used_shapes);

// Writes, and has all constraints checked. An error of kind rejected is the source's refusal of a
// row; rows that a trigger kept from being written are one too.
base::Status execute(pg::Connection& source, Stage& stage, const Execution& execution);

// The columns that are not as the plan wanted them, after execute(), by table.
base::Result<std::map<int, std::vector<NotRestored>>> verify(pg::Connection& source,
                                                             const Stage& stage);

// The rows that this transaction has written so far, table by table, as the statistics count.
using Written = std::map<std::pair<std::string, std::string>, SideEffect>;
base::Result<Written> written(pg::Connection& source);
// Its writes besides the plan.
base::Result<std::vector<SideEffect>> side_effects(pg::Connection& source, const Stage& stage,
                                                   const Execution& execution,
                                                   const Written& before);

}  // namespace bemi::revert
