// SPDX-License-Identifier: LGPL-3.0-or-later
//
// Prepares, checks and cleans a source and its destination.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "change/selection.hpp"
#include "pg/connection.hpp"
#include "store/migrate.hpp"
#include "wal/tables.hpp"

namespace setup {

enum class IdentityPolicy { full, keep };

// What `init`, `check`, `run` and `teardown` agree on.
struct Settings {
  std::string source_name;  // stable; default: the database's name
  std::string slot;         // default: bemi_<source name>, made a valid slot name
  std::string publication;  // default: the same
  change::Selection selection;
  IdentityPolicy identity = IdentityPolicy::full;
  store::DestinationSettings destination;
  bool event_trigger = true;  // make one where allowed, so that new tables are tracked at once
  bool one_database = false;  // source and destination are the same database
  std::string worker_role;    // to be granted what it needs; empty: the role that connects
};

// --- init -------------------------------------------------------------------------------------

struct Step {
  std::string what;  // "publish public.todo"
  std::string sql;
  bool optional = false;  // its failure is a warning, not the end (the event trigger)
};

// What is missing on the source, in order; empty when all is there. Reads only.
// What makes the publication publish everything again; nothing when it does.
base::Result<std::vector<Step>> mend_publication(pg::Connection& source, const Settings& settings);

base::Result<std::vector<Step>> plan_source(pg::Connection& admin, const Settings& settings);

// Runs the steps, each in its own transaction with lock_timeout and retries.
// `report` is told each step before it runs and each warning.
using Report = std::function<void(const std::string&)>;
base::Status apply(pg::Connection& admin, const std::vector<Step>& steps, const Report& report);

// --- check ------------------------------------------------------------------------------------

enum class Severity { ok, info, warning, error };
struct Finding {
  Severity severity = Severity::ok;
  std::string subject;  // "wal_level", "table public.todo"
  std::string what;
  std::string fix;  // SQL or a command to run; empty when ok
};
// `source` as the worker's role. Never changes anything.
base::Result<std::vector<Finding>> check_source(pg::Connection& source, const Settings& settings);
base::Result<std::vector<Finding>> check_destination(pg::Connection& destination,
                                                     const Settings& settings);

// --- tables found while the worker runs ---------------------------------------------------------

// Tables that the selection tracks and the publication lacks.
base::Result<std::vector<wal::Table>> missing_tables(pg::Connection& source,
                                                     const Settings& settings);
std::vector<Step> steps_to_publish(const std::vector<wal::Table>& tables, const Settings& settings);

// --- teardown -----------------------------------------------------------------------------------

base::Result<std::vector<Step>> plan_teardown(pg::Connection& admin, const Settings& settings);

std::string default_slot_name(const std::string& source_name);

}  // namespace setup
