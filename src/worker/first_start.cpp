// SPDX-License-Identifier: LGPL-3.0-or-later
#include "worker/first_start.hpp"

#include <algorithm>
#include <iterator>

#include "base/log.hpp"
#include "store/progress.hpp"
#include "wal/slot.hpp"
#include "wal/source.hpp"
#include "worker/baseline.hpp"
#include "worker/error_policy.hpp"
#include "worker/new_slot.hpp"

namespace bemi::worker {

namespace {

// Their changes are tracked, so the rest need not wait for somebody to grant what is lacking.
void name_unreadable(pg::Connection& source, const pipeline::Settings& settings) {
  auto unreadable = setup::unreadable_tables(source, settings.setup);
  if (!unreadable) return;
  for (const setup::Finding& finding : *unreadable) {
    base::log::warning("{} {}; fix: {}", finding.subject, finding.what, finding.fix);
  }
}

// A start that failed for good leaves no slot behind that keeps WAL for nobody. What was stored of
// it stays, as an epoch that ended there.
void give_up_start(pg::Connection& source, pg::Connection& destination, const std::string& name) {
  auto progress = store::load_progress(destination, name);
  if (!progress || !*progress) return;
  store::Progress next = **progress;
  if (next.state == store::SourceState::streaming) next.epoch += 1;
  next.state = store::SourceState::creating;
  next.position = {};
  base::Status dropped = wal::drop_slot(source, next.slot);
  if (dropped) dropped = store::save_progress(destination, next);
  if (!dropped) {
    base::log::warning("the slot {} stays and keeps WAL: {}; bemi teardown removes it", next.slot,
                       dropped.error().message);
  }
}

// Later changes of a table that was left out carry the table's name, not that of its partition.
base::Status describe_left(const std::vector<wal::Table>& tables,
                           const std::vector<change::Oid>& left, const Snapshot& snapshot,
                           const store::Progress& progress, const pipeline::Settings& settings) {
  std::vector<wal::Table> partitioned;
  std::ranges::copy_if(tables, std::back_inserter(partitioned), [&](const wal::Table& table) {
    return table.is_partitioned && std::ranges::find(left, table.oid) != left.end();
  });
  if (partitioned.empty()) return {};
  return describe_tables(partitioned, snapshot, progress, settings, *settings.stop);
}

base::Status take_slot_and_rows(pg::Connection& source, pg::Connection& destination,
                                store::Writer& writer, const pipeline::Settings& settings) {
  const std::string& slot_name = writer.progress().slot;
  base::log::info("making the slot {}; it waits for the transactions that are open now", slot_name);
  TRY_ASSIGN(pg::Connection replication, pg::Connection::open({.url = settings.source_url,
                                                               .purpose = "bemi/slot",
                                                               .replication = true,
                                                               .interrupt = settings.stop}));
  // The source's clock, before and after: whose changes will follow has it too.
  TRY_ASSIGN(wal::Moment before, wal::now(source));
  TRY_ASSIGN(wal::NewSlot slot, make_slot(source, replication, slot_name, wal::SlotKind::lasting));
  TRY_ASSIGN(wal::Moment after, wal::now(source));

  base::Timestamp known_until = writer.progress().effective_at;
  writer.pass(slot.consistent_point, before.time);
  TRY_ASSIGN(Missing missing, find_missing(source, destination, writer.progress(), settings.setup));
  const std::vector<wal::Table>& tables = missing.to_read;
  bool baseline = wants_baseline(tables, settings);
  writer.note_epoch(slot.consistent_point, known_until, baseline);
  TRY(writer.commit());
  Snapshot snapshot{.name = slot.snapshot,
                    .place = {.position = slot.consistent_point,
                              .effective_at = writer.progress().effective_at,
                              .since = std::max(after.time, writer.progress().effective_at),
                              .transaction_id = after.transaction_id}};
  if (!baseline) {
    if (settings.snapshot != pipeline::SnapshotPolicy::none) {
      base::log::warning(
          "no baseline: the tracked tables hold more than --snapshot-limit; rows are known from "
          "their first change on (--snapshot initial takes it all the same)");
    }
    return describe_tables(tables, snapshot, writer.progress(), settings, *settings.stop);
  }
  TRY_ASSIGN(auto left,
             read_baseline(tables, snapshot, writer.progress(), settings, *settings.stop));
  return describe_left(tables, left, snapshot, writer.progress(), settings);
}

}  // namespace

base::Status begin_tracking(pg::Connection& source, pg::Connection& destination,
                            store::Writer& writer, const pipeline::Settings& settings) {
  name_unreadable(source, settings);
  base::Status begun = take_slot_and_rows(source, destination, writer, settings);
  if (begun || reaction_to(begun.error()) != Reaction::stop) return begun;
  if (begun.error().kind != base::ErrorKind::interrupted) {
    give_up_start(source, destination, writer.progress().source);
  }
  return begun;
}

}  // namespace bemi::worker
