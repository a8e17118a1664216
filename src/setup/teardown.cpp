// SPDX-License-Identifier: LGPL-3.0-or-later
//
// Undoes on the source what init did.
#include <fmt/format.h>

#include "setup/event_trigger.hpp"
#include "setup/setup.hpp"
#include "wal/slot.hpp"

namespace setup {
namespace {

// FULL is what init sets; without a key the former identity could only have been none.
void add_identity_steps(std::vector<Step>& steps, const std::vector<wal::Table>& tables) {
  for (const wal::Table& table : tables) {
    if (!table.published || table.identity != change::ReplicaIdentity::full) continue;
    steps.push_back({.what = "set the replica identity of " + table.schema + "." + table.name +
                             " back to default",
                     .sql = fmt::format("alter table only {} replica identity default",
                                        pg::quote_name(table.schema, table.name))});
  }
}

}  // namespace

base::Result<std::vector<Step>> plan_teardown(pg::Connection& admin, const Settings& settings) {
  std::vector<Step> steps;
  TRY_ASSIGN(pg::Rows trigger,
             admin.run("select 1 from pg_event_trigger where evtname = 'bemi_track_ddl'"));
  if (!trigger.empty()) {
    for (Step& step : drop_event_trigger()) steps.push_back(std::move(step));
  }
  TRY_ASSIGN(auto publication, wal::find_publication(admin, settings.publication));
  TRY_ASSIGN(auto tables, wal::list_tables(admin, settings.selection, settings.publication, ""));
  if (publication) {
    steps.push_back({.what = "drop the publication " + settings.publication,
                     .sql = "drop publication " + pg::quote_identifier(settings.publication)});
  }
  // After the publication: a published table without a key would refuse its own updates.
  add_identity_steps(steps, tables);
  TRY_ASSIGN(auto slot, wal::find_slot(admin, settings.slot));
  if (slot) {
    steps.push_back(
        {.what = "drop the slot " + settings.slot,
         .sql = "select pg_drop_replication_slot(" + pg::quote_literal(settings.slot) + ")"});
  }
  return steps;
}

}  // namespace setup
