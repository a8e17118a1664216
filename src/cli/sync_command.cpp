// SPDX-License-Identifier: LGPL-3.0-or-later
#include <chrono>

#include <fmt/format.h>

#include "base/log.hpp"
#include "cli/catch_up.hpp"
#include "cli/commands.hpp"
#include "cli/ends.hpp"
#include "cli/stop.hpp"
#include "pipeline/baseline.hpp"
#include "store/baseline_left.hpp"
#include "store/progress.hpp"
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

// The rows from before a table was tracked were committed before the call too. Those that the
// worker has said it does not read are not waited for.
base::Result<std::string> unread_table(pg::Connection& source, pg::Connection& destination,
                                       const setup::Settings& settings) {
  TRY_ASSIGN(auto progress, store::load_progress(destination, settings.source_name));
  if (!progress) return std::string();
  TRY_ASSIGN(pipeline::Missing missing,
             pipeline::find_missing(source, destination, *progress, settings));
  if (missing.to_read.empty()) return std::string();
  TRY_ASSIGN(store::Relations left, store::load_baseline_left(destination, *progress));
  for (const wal::Table& table : missing.to_read) {
    if (!left.contains(table.oid)) return table.schema + "." + table.name;
  }
  return std::string();
}

base::Status wait_for_baselines(pg::Connection& source, pg::Connection& destination,
                                const setup::Settings& settings, int timeout_s) {
  auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(timeout_s);
  while (!asked_to_stop().triggered()) {
    TRY_ASSIGN(std::string unread, unread_table(source, destination, settings));
    if (unread.empty()) return {};
    if (timeout_s > 0 && std::chrono::steady_clock::now() > deadline) {
      return base::fail(base::ErrorKind::limit,
                        fmt::format("the rows that {} had before it was tracked were not stored "
                                    "within {} s",
                                    unread, timeout_s),
                        "is the worker running? see: bemi status");
    }
    base::pause(&asked_to_stop(), std::chrono::milliseconds(100));
  }
  return base::fail(base::ErrorKind::interrupted, "stopped while waiting for the baseline");
}

}  // namespace

base::Status sync_command(const Config& config, int timeout_s) {
  TRY_ASSIGN(pg::Connection source, open_source(config, Access::read_write));
  TRY_ASSIGN(pg::Connection destination, open_destination(config, Access::read_only));
  TRY(store::history_schema(destination));
  TRY_ASSIGN(setup::Settings settings, setup_settings(config, source));
  TRY(catch_up(source, destination, settings.source_name, timeout_s));
  TRY(wait_for_baselines(source, destination, settings, timeout_s));
  return refresh_views(config);
}

}  // namespace cli
