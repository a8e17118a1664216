// SPDX-License-Identifier: LGPL-3.0-or-later
#include "worker/late_baseline.hpp"

#include <algorithm>
#include <chrono>

#include "base/log.hpp"
#include "wal/event_triggers.hpp"
#include "wal/source.hpp"
#include "worker/new_slot.hpp"
#include "worker/shapes.hpp"

namespace bemi::worker {
namespace {

using namespace std::chrono_literals;

// Or as often as there is a heartbeat.
constexpr std::chrono::seconds look_interval_max = 10s;
constexpr std::chrono::seconds retry_interval_max = 60s;
// Interval at which the history is told of a look that found nothing.
constexpr std::chrono::microseconds remember_interval = 60s;
// A table that could not be read is tried again after this.
constexpr std::chrono::seconds given_up_interval = 3600s;

}  // namespace

LateBaseline::LateBaseline(const pipeline::Settings& settings, store::Progress progress,
                           const base::Interrupt& interrupt)
    : settings_(&settings),
      progress_(std::move(progress)),
      interrupt_(&interrupt),
      looked_at_(last_look(progress_)),
      look_interval_(std::min(look_interval_max, settings.heartbeat_interval())),
      retry_pause_(look_interval_),
      periodic_(0ms, [this] { return look_and_wait(); }) {}

std::chrono::seconds LateBaseline::look_and_wait() {
  base::Status looked = look();
  if (looked || interrupt_->triggered()) {
    retry_pause_ = look_interval_;
    return look_interval_;
  }
  base::log::warning("{}; trying again in {} s", looked.error().message, retry_pause_.count());
  auto pause = retry_pause_;
  retry_pause_ = std::min(retry_pause_ * 2, retry_interval_max);
  return pause;
}

base::Result<pg::Connection> LateBaseline::open_source(bool replication) const {
  return pg::Connection::open({.url = settings_->source_url,
                               .purpose = "bemi/baseline",
                               .replication = replication,
                               .interrupt = interrupt_,
                               .stored_text = true});
}

base::Result<pg::Connection> LateBaseline::open_destination() const {
  return pg::Connection::open(
      {.url = settings_->destination_url, .purpose = "bemi/baseline", .interrupt = interrupt_});
}

base::Status LateBaseline::look() {
  TRY_ASSIGN(pg::Connection source, open_source());
  TRY_ASSIGN(pg::Connection destination, open_destination());
  TRY_ASSIGN(wal::Moment now, wal::now(source));
  TRY_ASSIGN(std::string state, find_toggled(source, destination));
  TRY(find_reshapes(source, destination));
  TRY_ASSIGN(Missing missing, find_missing(source, destination, progress_, settings_->setup));
  TRY_ASSIGN(auto mending, setup::mend_publication(source, settings_->setup));
  TRY(setup::apply(source, mending, [](const std::string& what) {
    base::log::warning("somebody changed the publication: {}", what);
  }));
  // Our own change is none of somebody's. Else the state of before the look: what came since is
  // found by the next one.
  if (!mending.empty()) {
    TRY_ASSIGN(state, wal::publication_state(source, progress_.publication));
  }
  TRY(remember(destination, {.state = std::move(state), .at = now.time}));
  bool anything = !mending.empty() || !wanted(missing.to_read).empty();
  if (anything) {
    TRY(take(source, destination));
    TRY_ASSIGN(missing, find_missing(source, destination, progress_, settings_->setup));
  }
  return note_left(destination, missing.to_read);
}

// Quiet when nothing changed: the destination may be the source.
base::Status LateBaseline::note_left(pg::Connection& destination,
                                     const std::vector<wal::Table>& tables) {
  store::Relations left;
  for (const wal::Table& table : tables) left.insert(table.oid);
  TRY(store::forget_ended_pieces(destination, progress_, left));
  if (left_ == left) return {};
  TRY(store::save_baseline_left(destination, progress_, left));
  left_ = std::move(left);
  return {};
}

// Tables that were out of the publication since the last look, and a publication that somebody
// changed, even when all is again as it was. Where the stream itself told of it, it was noted.
base::Result<std::string> LateBaseline::find_toggled(pg::Connection& source,
                                                     pg::Connection& destination) {
  if (!seen_) {
    TRY_ASSIGN(seen_, store::load_publication_seen(destination, progress_));
    if (!seen_->state.empty()) looked_at_ = seen_->at;
  }
  TRY_ASSIGN(std::string state, wal::publication_state(source, progress_.publication));
  bool toggled = !seen_->state.empty() && state != seen_->state;
  TRY_ASSIGN(Missing missing, find_missing(source, destination, progress_, settings_->setup));
  if (!toggled && missing.unseen.empty() && missing.foreign.empty()) return state;
  TRY(pass_fence(source, destination));
  TRY_ASSIGN(missing, find_missing(source, destination, progress_, settings_->setup));
  TRY(note_unseen(destination, progress_, missing.unseen, looked_at_, not_published));
  TRY(note_unseen(destination, progress_, missing.foreign, looked_at_, rows_elsewhere));
  if (toggled) {
    TRY(note_unseen(destination, progress_, missing.whole, looked_at_,
                    "somebody changed the publication"));
  }
  return state;
}

// For a source that reports no DDL. Waits until the stream has delivered what it still has of a
// table.
base::Status LateBaseline::find_reshapes(pg::Connection& source, pg::Connection& destination) {
  TRY_ASSIGN(bool told, wal::may_look(source));
  if (told) return {};
  TRY_ASSIGN(auto reshaped, find_reshaped(source, destination, progress_));
  if (reshaped.empty()) return {};
  TRY(pass_fence(source, destination));
  TRY_ASSIGN(reshaped, find_reshaped(source, destination, progress_));
  return note_unseen(destination, progress_, reshaped, looked_at_, changed_unseen);
}

base::Status LateBaseline::remember(pg::Connection& destination, store::PublicationSeen seen) {
  looked_at_ = seen.at;
  bool is_old = seen.at.unix_us - seen_->at.unix_us > remember_interval.count();
  if (seen.state == seen_->state && !is_old) return {};
  TRY(store::save_publication_seen(destination, progress_, seen));
  seen_ = std::move(seen);
  return {};
}

// Those that are to be read now: all or none of them, but for those given up.
std::vector<wal::Table> LateBaseline::wanted(std::vector<wal::Table> tables) const {
  auto now = std::chrono::steady_clock::now();
  std::erase_if(tables, [&](const wal::Table& table) {
    if (!table.foreign_partition.empty()) return true;
    auto found = not_before_.find(table.oid);
    return found != not_before_.end() && now < found->second;
  });
  if (!wants_baseline(tables, *settings_)) tables.clear();
  return tables;
}

base::Status LateBaseline::take(pg::Connection& source, pg::Connection& destination) {
  // The stream may be about to say of a new table that it has no earlier rows. The fence also
  // allows the rows to get the current time: everything after it is later.
  TRY_ASSIGN(wal::Moment before, wal::now(source));
  TRY(pass_fence(source, destination));
  TRY_ASSIGN(Missing missing, find_missing(source, destination, progress_, settings_->setup));
  std::vector<wal::Table> tables = wanted(std::move(missing.to_read));
  if (tables.empty()) return {};

  TRY_ASSIGN(pg::Connection replication, open_source(/*replication=*/true));
  TRY_ASSIGN(wal::NewSlot slot,
             make_slot(source, replication, setup::baseline_slot_name(progress_.slot),
                       wal::SlotKind::temporary));
  TRY_ASSIGN(wal::Moment after, wal::now(source));
  TRY(pass_fence(source, destination));
  TRY_ASSIGN(base::Timestamp stored,
             store::effective_at(destination, progress_, slot.consistent_point));
  base::Timestamp effective_at = std::max(stored, before.time);
  TRY_ASSIGN(auto given_up, read_baseline(tables,
                                          {.name = slot.snapshot,
                                           .place = {.position = slot.consistent_point,
                                                     .effective_at = effective_at,
                                                     .since = std::max(after.time, effective_at),
                                                     .transaction_id = after.transaction_id}},
                                          progress_, *settings_, *interrupt_));
  for (change::Oid oid : given_up) {
    not_before_[oid] = std::chrono::steady_clock::now() + given_up_interval;
  }
  return {};
}

// Returns when all is stored that was committed until now.
base::Status LateBaseline::pass_fence(pg::Connection& source, pg::Connection& destination) {
  TRY_ASSIGN(change::Lsn fence, wal::emit_fence(source));
  while (!interrupt_->triggered()) {
    TRY_ASSIGN(auto progress, store::load_progress(destination, progress_.source));
    if (!progress || progress->epoch != progress_.epoch) break;
    if (progress->position >= fence) return {};
    base::pause(interrupt_, 50ms);
  }
  return base::fail(base::ErrorKind::interrupted, "the stream ended");
}

}  // namespace bemi::worker
