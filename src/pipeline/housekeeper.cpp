// SPDX-License-Identifier: LGPL-3.0-or-later
#include "pipeline/housekeeper.hpp"

#include <algorithm>
#include <chrono>

#include "base/log.hpp"
#include "wal/source.hpp"

namespace pipeline {
namespace {

using namespace std::chrono_literals;

// A new table is found within a minute also when a look fails. Or as often as there is a heartbeat.
constexpr std::chrono::seconds tables_interval_max = 20s;

}  // namespace

Housekeeper::Housekeeper(const Settings& settings, const base::Interrupt& interrupt)
    : settings_(&settings),
      interrupt_(&interrupt),
      tables_interval_(std::min(tables_interval_max, settings.heartbeat_interval)),
      beat_at_(Clock::now() + settings.heartbeat_interval),
      look_at_(Clock::now() + tables_interval_),
      periodic_(until_next(), [this] {
        do_what_is_due();
        return until_next();
      }) {}

std::chrono::milliseconds Housekeeper::until_next() const {
  auto left = std::min(beat_at_, look_at_) - Clock::now();
  return std::chrono::ceil<std::chrono::milliseconds>(std::max(left, Clock::duration::zero()));
}

void Housekeeper::do_what_is_due() {
  base::Status done;
  if (Clock::now() >= beat_at_) {
    done = beat();
    beat_at_ = Clock::now() + settings_->heartbeat_interval;
  }
  if (done && Clock::now() >= look_at_) {
    done = find_new_tables();
    look_at_ = Clock::now() + tables_interval_;
  }
  if (done || interrupt_->triggered()) return;
  base::log::debug("housekeeping: {}", done.error().message);
  source_.reset();
}

base::Status Housekeeper::connect() {
  if (source_) return {};
  TRY_ASSIGN(pg::Connection opened, pg::Connection::open({.url = settings_->source_url,
                                                          .purpose = "bemi/housekeeper",
                                                          .interrupt = interrupt_}));
  source_.emplace(std::move(opened));
  return {};
}

base::Status Housekeeper::beat() {
  TRY(connect());
  return wal::emit_heartbeat(*source_);
}

base::Status Housekeeper::find_new_tables() {
  TRY(connect());
  TRY_ASSIGN(auto tables, setup::missing_tables(*source_, settings_->setup));
  for (const wal::Table& table : tables) {
    std::string name = table.schema + "." + table.name;
    auto steps = setup::steps_to_publish({table}, settings_->setup);
    base::Status done = setup::apply(*source_, steps, [](const std::string&) {});
    if (done) {
      base::log::info("tracking the new table {} from now on", name);
    } else if (done.error().kind == base::ErrorKind::connection) {
      return done;
    } else if (warned_.insert(name).second) {
      base::log::warning("the table {} is not tracked: {}; its owner runs: bemi init", name,
                         done.error().message);
    }
  }
  return {};
}

}  // namespace pipeline
