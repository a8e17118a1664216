// SPDX-License-Identifier: LGPL-3.0-or-later
//
// Undoes changes. plan() says what would happen, apply() does it, script() writes it down; all
// three go the same way: select in the history, net per row, compare with the live rows under
// locks, and execute in one transaction on the source, which only apply() commits.
//
//   revert::Request request{.filter = {.context = {"user_id=42"}}};
//   TRY_ASSIGN(revert::Plan plan, revert::plan(ends, request));
//   show(revert::to_json(plan));
//   TRY_ASSIGN(revert::Outcome done, revert::apply(ends, request, plan.digest));
#pragma once

#include <functional>
#include <iosfwd>
#include <string>
#include <string_view>
#include <vector>

#include "pg/connection.hpp"
#include "query/changes.hpp"
#include "revert/plan.hpp"

namespace bemi::revert {

enum class OnConflict {
  fail,   // any conflict: nothing is done
  skip,   // leave rows in conflict, and what depends on them, as they are
  force,  // write the old values over what others wrote since
};

struct Request {
  query::ChangeFilter filter;  // at least one condition
  OnConflict on_conflict = OnConflict::fail;
  bool cascade = false;  // undo what others built on it too
  std::int64_t rows_max = 10'000;
  bool fire_triggers = true;  // false: the tables' own triggers are off meanwhile (needs the owner)
  bool raise_sequences = true;  // where what comes back is ahead of them
  // Into the revert's own context, beside "revert_of".
  std::string actor;
  std::string reason;
  std::string context = "{}";  // a JSON object: what else it shall say
};

struct Progress {
  std::string_view step;  // "reading the history", ...
  std::int64_t rows = 0;
};

// The two connections. `source`: read_write, with Connection's keep_search_path so that triggers
// find theirs. `destination` is only read. `catch_up` waits until the history has all that the
// source committed before the call.
struct Ends {
  pg::Connection& source;
  pg::Connection& destination;
  std::string source_name;
  std::function<base::Status()> catch_up;
  std::function<void(const Progress&)> progress = [](const Progress&) {};
};

struct Outcome {
  Plan plan;
  std::int64_t transaction_id = 0;  // the revert's own: undo it by `bemi revert --transaction ID`
};

// Errors: usage (no condition, unknown source), limit (more rows than rows_max), permission, and
// what the servers say. Conflicts are not errors: they are in the plan.
base::Result<Plan> plan(const Ends& ends, const Request& request);

// Refuses, with an error of kind conflict, when the plan is not applicable or is not the one of
// `digest`; an empty digest takes whatever the plan is now.
base::Result<Outcome> apply(const Ends& ends, const Request& request, const std::string& digest);

// The plan, and its SQL as a script that checks every row before it changes any.
base::Result<Plan> script(const Ends& ends, const Request& request, std::ostream& out);

}  // namespace bemi::revert
