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

namespace bemi::store {
struct Progress;
}

namespace bemi::setup {

enum class IdentityPolicy { full, keep };

// The settings that `init`, `check`, `run` and `teardown` share.
struct Settings {
  std::string source_name;  // stable; default: the database's name
  std::string slot;         // default: bemi_<source name>, made a valid slot name
  std::string publication;  // default: the same
  change::Selection selection;
  IdentityPolicy identity = IdentityPolicy::full;
  store::DestinationSettings destination;
  bool event_trigger = true;       // make one where allowed, so that new tables are tracked at once
  bool one_database = false;       // source and destination are the same database
  std::string worker_role;         // to be granted what it needs; empty: the role that connects
  bool names_slot = false;         // somebody chose the name
  bool names_publication = false;  // likewise
  // The history's record of this source; empty when there is none.
  std::string known_slot;
  std::string known_publication;
  bool known_streaming = false;  // it goes on, or says why it cannot
};

// Takes from the history (when there is one) what it knows of the source: a source goes on with the
// slot and the publication that it began with.
base::Status take_known(pg::Connection& destination, Settings& settings);
void take_known(const store::Progress& progress, Settings& settings);

// --- before anything ----------------------------------------------------------------------------

// Errors of kind conflict, each with the way on, when what is to be made stands there already and
// is not ours. Changes nothing, and comes before every change.
base::Status look_at_source(pg::Connection& source, const Settings& settings);
base::Status look_at_destination(pg::Connection& destination);

// --- init -------------------------------------------------------------------------------------

struct Step {
  std::string what;  // "publish public.todo"
  std::string sql;
  bool optional = false;  // its failure is a warning, not the end (the event trigger)
};

// Steps after which the publication publishes everything again; none when it does.
base::Result<std::vector<Step>> mend_publication(pg::Connection& source, const Settings& settings);

// Steps that are missing on the source, in order; empty when none is. Reads only.
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
  std::string fix;              // SQL or a command to run; empty when ok
  bool mended_by_init = false;  // also by a worker that starts, with the rights to prepare
};
// `source` as the worker's role. Never changes anything.
base::Result<std::vector<Finding>> check_source(pg::Connection& source, const Settings& settings);
// Its part about tables and publication.
base::Result<std::vector<Finding>> check_tables(pg::Connection& source, const Settings& settings);
// The tracked tables whose rows the worker's role may not read, each with the cure. Their changes
// are still tracked.
base::Result<std::vector<Finding>> unreadable_tables(pg::Connection& source,
                                                     const Settings& settings);
base::Result<std::vector<Finding>> check_destination(pg::Connection& destination,
                                                     const Settings& settings);

// --- tables found while the worker runs ---------------------------------------------------------

// A table that the selection tracks and the publication lacks, or that it has and that cannot be
// updated.
struct MissingTable {
  std::string name;
  std::string harm;        // as of harm_of()
  bool loses_key = false;  // which is all that it suffers: its updates are not refused
  std::vector<Step> steps;
};
base::Result<std::vector<MissingTable>> plan_missing(pg::Connection& source,
                                                     const Settings& settings);
struct Record;
std::vector<Step> steps_to_publish(const std::vector<wal::Table>& tables, const Record& record,
                                   const Settings& settings);
// Never what would make the application's own updates fail.
bool may_be_published(const wal::Table& table);
// Why the application's own updates of it fail, now that it is published; empty when they do not.
std::string harm_of(const wal::Table& table);

// --- teardown -----------------------------------------------------------------------------------

struct Teardown {
  std::vector<Step> steps;
  std::vector<std::string> notes;  // what stays, and why
};
// Error of kind conflict, and nothing is touched, while a worker reads the slot.
base::Result<Teardown> plan_teardown(pg::Connection& admin, const Settings& settings);

// Sources of different names have different ones.
std::string default_slot_name(const std::string& source_name);
// The name of the temporary slot beside `slot`. It is no source's default name.
std::string baseline_slot_name(const std::string& slot);

}  // namespace bemi::setup
