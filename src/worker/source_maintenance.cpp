// SPDX-License-Identifier: LGPL-3.0-or-later
#include "worker/source_maintenance.hpp"

#include <algorithm>
#include <chrono>
#include <utility>

#include "base/log.hpp"
#include "wal/source.hpp"

namespace bemi::worker {
namespace {

using namespace std::chrono_literals;

// A new table is found within a minute also when a look fails. Or as often as there is a heartbeat.
constexpr std::chrono::seconds tables_interval_max = 20s;

// A server counts what a session does within ten seconds of its end.
constexpr std::int64_t counting_delay_us = 30'000'000;

}  // namespace

SourceMaintenance::SourceMaintenance(const pipeline::Settings& settings,
                                     const store::Progress& progress,
                                     const base::Interrupt& interrupt)
    : settings_(&settings),
      interrupt_(&interrupt),
      looked_{.time = progress.effective_at, .position = progress.position},
      quiet_(looked_),
      tables_interval_(std::min(tables_interval_max, settings.heartbeat_interval())),
      beat_at_(Clock::now() + settings.heartbeat_interval()),
      look_at_(Clock::now() + tables_interval_),
      periodic_(until_next(), [this] {
        do_what_is_due();
        return until_next();
      }) {}

std::chrono::milliseconds SourceMaintenance::until_next() const {
  auto left = std::min(beat_at_, look_at_) - Clock::now();
  return std::chrono::ceil<std::chrono::milliseconds>(std::max(left, Clock::duration::zero()));
}

void SourceMaintenance::do_what_is_due() {
  base::Status done;
  if (Clock::now() >= beat_at_) {
    done = beat();
    beat_at_ = Clock::now() + settings_->heartbeat_interval();
  }
  if (done && Clock::now() >= look_at_) {
    done = find_unseen_changes();
    if (done) done = find_new_tables();
    look_at_ = Clock::now() + tables_interval_;
  }
  if (done || interrupt_->triggered()) return;
  base::log::debug("housekeeping: {}", done.error().message);
  source_.reset();
}

base::Status SourceMaintenance::connect() {
  if (source_) return {};
  TRY_ASSIGN(pg::Connection opened, pg::Connection::open({.url = settings_->source_url,
                                                          .purpose = "bemi/source-maintenance",
                                                          .interrupt = interrupt_,
                                                          .stored_text = true}));
  source_.emplace(std::move(opened));
  return {};
}

base::Status SourceMaintenance::beat() {
  TRY(connect());
  return wal::emit_heartbeat(*source_);
}

// Tables that changed while the event triggers did not fire, or failed: the source tells them, into
// the stream. Only when its catalogs have changed at all.
base::Status SourceMaintenance::find_unseen_changes() {
  TRY(connect());
  TRY_ASSIGN(bool may, wal::may_look(*source_));
  if (!may) return {};
  TRY_ASSIGN(wal::Look now, wal::look_of_now(*source_));
  TRY_ASSIGN(std::string changes, wal::catalog_changes(*source_));
  if (changes != catalog_changes_) {
    TRY_ASSIGN(std::int64_t differing, wal::look(*source_, looked_));
    if (differing > 0) {
      base::log::warning("{} table(s) changed unseen by the event triggers since {}", differing,
                         base::format(looked_.time));
    }
    catalog_changes_ = std::move(changes);
    looked_ = now;
  } else if (now.time.unix_us - looked_.time.unix_us > counting_delay_us) {
    // The server may not have counted all of the latest changes yet.
    looked_ = std::exchange(quiet_, now);
  }
  return {};
}

base::Status SourceMaintenance::find_new_tables() {
  TRY(connect());
  TRY_ASSIGN(auto missing, setup::plan_missing(*source_, settings_->setup));
  for (const setup::MissingTable& table : missing) {
    const std::string& name = table.name;
    base::Status done = setup::apply(*source_, table.steps, [](const std::string&) {});
    if (done && table.harm.empty()) {
      base::log::info("tracking the new table {} from now on", name);
    } else if (done) {
      base::log::warning(
          "the {} of {} were {}, since {}; now: {}", table.loses_key ? "rows" : "updates", name,
          table.loses_key ? "not told apart" : "refused", table.harm, table.steps.back().what);
    } else if (done.error().kind == base::ErrorKind::connection) {
      return done;
    } else if (warned_.insert(name).second) {
      base::log::warning("the table {} {}: {}; its owner runs: bemi init", name,
                         table.harm.empty() ? "is not tracked"
                         : table.loses_key  ? "is not told apart by rows, since " + table.harm
                                            : "refuses its updates, since " + table.harm,
                         done.error().message);
    }
  }
  return {};
}

}  // namespace bemi::worker
