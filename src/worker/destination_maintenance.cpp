// SPDX-License-Identifier: LGPL-3.0-or-later
#include "worker/destination_maintenance.hpp"

#include <utility>

#include <nlohmann/json.hpp>

#include "base/log.hpp"
#include "store/context_uses.hpp"
#include "worker/sql.hpp"

namespace bemi::worker {
namespace {

using namespace std::chrono_literals;
using Clock = std::chrono::steady_clock;

// Soon after the start, since a worker may be started only now and then; not at once, since a
// session that fails starts again and again.
constexpr auto first_maintenance = 20s;
constexpr auto maintenance_interval = 1h;
constexpr auto noting_interval = 5s;

std::string counters_of(const pipeline::Stages& stages) {
  auto counters = nlohmann::json::array();
  for (const auto& [name, stage] : stages.all()) {
    counters.push_back({name, stage->items.load(), stage->bytes.load(), stage->input_wait_us.load(),
                        stage->output_wait_us.load()});
  }
  return counters.dump();
}

}  // namespace

DestinationMaintenance::DestinationMaintenance(const pipeline::Settings& settings,
                                               std::string source_name,
                                               const pipeline::Stages& stages,
                                               const base::Interrupt& interrupt)
    : settings_(&settings),
      source_name_(std::move(source_name)),
      stages_(&stages),
      interrupt_(&interrupt),
      noted_(counters_of(stages)),
      noted_at_(Clock::now()),
      maintenance_(first_maintenance,
                   [this] {
                     base::Status kept = maintain();
                     if (!kept && kept.error().kind != base::ErrorKind::lock_timeout &&
                         !interrupt_->triggered()) {
                       base::log::warning("the history could not be maintained: {}",
                                          kept.error().message);
                     }
                     return std::chrono::milliseconds(maintenance_interval);
                   }),
      noting_(noting_interval, [this] {
        if (base::Status noted = note_stages(); !noted && !interrupt_->triggered()) {
          base::log::debug("noting the stages: {}", noted.error().message);
        }
        return std::chrono::milliseconds(noting_interval);
      }) {}

base::Status DestinationMaintenance::maintain() {
  const std::string& url =
      settings_->maintain_url.empty() ? settings_->destination_url : settings_->maintain_url;
  TRY_ASSIGN(
      pg::Connection destination,
      pg::Connection::open({.url = url, .purpose = "bemi/maintenance", .interrupt = interrupt_}));
  TRY(store::forget_context_sessions(destination, source_name_));
  return store::maintain(destination, settings_->maintenance, /*dry_run=*/false,
                         [](const store::MaintenanceStep& step) {
                           base::log::info("{} {}: {}", store::name(step.kind), step.window,
                                           step.detail);
                         });
}

// Nothing is written while nothing happens.
base::Status DestinationMaintenance::note_stages() {
  auto now = Clock::now();
  bool busy = stages_->store.items != store_items_;
  std::string counters = counters_of(*stages_);
  std::string before = std::exchange(noted_, counters);
  auto elapsed =
      std::chrono::duration_cast<std::chrono::microseconds>(now - std::exchange(noted_at_, now));
  if (!busy) return {};
  store_items_ = stages_->store.items;
  TRY_ASSIGN(pg::Connection destination, pg::Connection::open({.url = settings_->destination_url,
                                                               .purpose = "bemi/stages",
                                                               .interrupt = interrupt_}));
  TRY(destination.query(sql::save_stages,
                        {source_name_, counters, before, std::to_string(elapsed.count())}));
  return {};
}

}  // namespace bemi::worker
