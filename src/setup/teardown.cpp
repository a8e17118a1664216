// SPDX-License-Identifier: LGPL-3.0-or-later
//
// Undoes on the source what init did, and nothing else.
#include <fmt/format.h>

#include "setup/event_trigger.hpp"
#include "setup/record.hpp"
#include "setup/setup.hpp"
#include "wal/slot.hpp"

namespace bemi::setup {
namespace {

// Ours call a function in a schema of ours.
constexpr const char* select_own_trigger = R"(
select 1 from pg_event_trigger t join pg_proc p on p.oid = t.evtfoid
join pg_namespace n on n.oid = p.pronamespace
where t.evtname = 'bemi_track_ddl' and n.nspname in ('_bemi', '_bemi_source'))";

// A worker that the network took away holds its slot a little longer.
base::Status may_drop(pg::Connection& admin, const wal::Slot& slot) {
  if (!slot.active) return {};
  base::Status released = wal::release_slot(admin, slot.name);
  if (released) return {};
  if (released.error().kind != base::ErrorKind::serialization) return released;
  return base::fail(
      base::ErrorKind::conflict,
      fmt::format("a worker reads the slot {} (server process {}); nothing was touched", slot.name,
                  slot.active_pid),
      "stop that bemi run, then run bemi teardown again");
}

base::Status plan_slot(pg::Connection& admin, const Record& record, const Settings& settings,
                       Teardown& out) {
  TRY_ASSIGN(auto slot, wal::find_slot(admin, settings.slot));
  if (!slot) return {};
  if (std::string foreign = wal::foreign_slot(*slot, admin.database()); !foreign.empty()) {
    out.notes.push_back(foreign + ": it stays");
    return {};
  }
  if (!record.has_slot && settings.known_slot != settings.slot) {
    out.notes.push_back(fmt::format(
        "the slot {} stays: nothing says that Bemi made it. Where nobody reads it: select "
        "pg_drop_replication_slot({})",
        slot->name, pg::quote_literal(slot->name)));
    return {};
  }
  TRY(may_drop(admin, *slot));
  // First of all: whatever fails afterwards, no WAL is kept, and it can be done again.
  out.steps.push_back({.what = "drop the slot " + settings.slot,
                       .sql = fmt::format("select pg_drop_replication_slot({})",
                                          pg::quote_literal(settings.slot))});
  return {};
}

base::Status plan_publication(pg::Connection& admin, const Record& record, const Settings& settings,
                              Teardown& out) {
  TRY_ASSIGN(auto publication, wal::find_publication(admin, settings.publication));
  if (!publication) return {};
  if (!owns_publication(record, settings)) {
    out.notes.push_back(
        fmt::format("the publication {} of {} stays: nothing says that Bemi made it",
                    publication->name, publication->owner));
    return {};
  }
  out.steps.push_back({.what = "drop the publication " + settings.publication,
                       .sql = "drop publication " + pg::quote_identifier(settings.publication)});
  return {};
}

}  // namespace

base::Result<Teardown> plan_teardown(pg::Connection& admin, const Settings& settings) {
  Teardown out;
  TRY(look_at_record(admin));
  TRY_ASSIGN(Record record, load_record(admin, settings));
  TRY_ASSIGN(auto tables, wal::list_published_too(admin, settings.selection, settings.publication));
  TRY(plan_slot(admin, record, settings, out));
  TRY_ASSIGN(pg::Rows trigger, admin.run(select_own_trigger));
  TRY_ASSIGN(std::string serves, publication_of_triggers(admin));
  if (!trigger.empty() && (serves.empty() || serves == settings.publication)) {
    for (Step& step : drop_event_trigger()) out.steps.push_back(std::move(step));
  }
  TRY(plan_publication(admin, record, settings, out));
  // After the publication: a published table without a key would refuse its own updates.
  TRY_ASSIGN(Restoration restoration, plan_restoration(admin, tables, record, settings));
  for (Step& step : restoration.steps) out.steps.push_back(std::move(step));
  for (std::string& note : restoration.notes) out.notes.push_back(std::move(note));
  if (record.is_there) out.steps.push_back(forget_step(settings));
  return out;
}

}  // namespace bemi::setup
