// SPDX-License-Identifier: LGPL-3.0-or-later
#include <algorithm>
#include <chrono>

#include "base/log.hpp"
#include "cli/commands.hpp"
#include "cli/ends.hpp"
#include "store/progress.hpp"
#include "store/schema.hpp"
#include "wal/source.hpp"

namespace cli {

namespace {

// The worker does it too, a moment later, and has the rights for certain.
base::Status refresh_views(const Config& config) {
  TRY_ASSIGN(pg::Connection destination, open_destination(config, Access::read_write));
  auto done = destination.run("select bemi.refresh_time_travel(false)");
  if (!done) base::log::debug("the views of the past: {}", done.error().message);
  return {};
}

}  // namespace

base::Status sync_command(const Config& config, int timeout_s) {
  using Clock = std::chrono::steady_clock;
  TRY_ASSIGN(pg::Connection source, open_source(config, Access::read_write));
  TRY_ASSIGN(pg::Connection destination, open_destination(config, Access::read_only));
  TRY(store::history_schema(destination));
  TRY_ASSIGN(setup::Settings settings, setup_settings(config, source));
  TRY_ASSIGN(change::Lsn fence, wal::emit_fence(source));
  auto deadline = Clock::now() + std::chrono::seconds(timeout_s);
  int pause_ms = 2;
  while (true) {
    TRY_ASSIGN(auto progress, store::load_progress(destination, settings.source_name));
    if (progress && progress->state == store::SourceState::streaming &&
        progress->position > fence) {
      return refresh_views(config);
    }
    if (timeout_s > 0 && Clock::now() > deadline) {
      return base::fail(base::ErrorKind::limit,
                        "the history did not catch up within " + std::to_string(timeout_s) + " s",
                        "is the worker running? see: bemi status");
    }
    base::pause(nullptr, std::chrono::milliseconds(pause_ms));
    pause_ms = std::min(pause_ms * 2, 50);
  }
}

}  // namespace cli
