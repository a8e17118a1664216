// SPDX-License-Identifier: LGPL-3.0-or-later
#include "base/log.hpp"
#include "cli/catch_up.hpp"
#include "cli/commands.hpp"
#include "cli/ends.hpp"
#include "store/schema.hpp"

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
  TRY_ASSIGN(pg::Connection source, open_source(config, Access::read_write));
  TRY_ASSIGN(pg::Connection destination, open_destination(config, Access::read_only));
  TRY(store::history_schema(destination));
  TRY_ASSIGN(setup::Settings settings, setup_settings(config, source));
  TRY(catch_up(source, destination, settings.source_name, timeout_s));
  return refresh_views(config);
}

}  // namespace cli
