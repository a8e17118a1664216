// SPDX-License-Identifier: LGPL-3.0-or-later
#include "pipeline/keeper.hpp"

#include "base/log.hpp"

namespace pipeline {
namespace {

using namespace std::chrono_literals;

// Soon after the start, since a worker may be started only now and then; not at once, since a
// session that fails starts again and again.
constexpr auto first_pause = 20s;
constexpr auto interval = 1h;

}  // namespace

Keeper::Keeper(const Settings& settings, const base::Interrupt& interrupt)
    : settings_(&settings), interrupt_(&interrupt), periodic_(first_pause, [this] {
        base::Status kept = keep();
        if (!kept && kept.error().kind != base::ErrorKind::lock_timeout &&
            !interrupt_->triggered()) {
          base::log::warning("the history could not be maintained: {}{}", kept.error().message,
                             kept.error().hint.empty() ? "" : " (" + kept.error().hint + ")");
        }
        return std::chrono::milliseconds(interval);
      }) {}

base::Status Keeper::keep() {
  TRY_ASSIGN(pg::Connection destination, pg::Connection::open({.url = settings_->destination_url,
                                                               .purpose = "bemi/maintenance",
                                                               .interrupt = interrupt_}));
  return store::maintain(destination, settings_->maintenance, /*dry_run=*/false,
                         [](const store::MaintenanceStep& step) {
                           base::log::info("{} {}: {}", store::name(step.kind), step.window,
                                           step.detail);
                         });
}

}  // namespace pipeline
