// SPDX-License-Identifier: LGPL-3.0-or-later
#include <chrono>
#include <memory>

#include <CLI/CLI.hpp>
#include <fmt/format.h>

#include "base/log.hpp"
#include "cli/options.hpp"
#include "cli/verbs/verbs.hpp"
#include "host/catch_up.hpp"
#include "host/connections.hpp"
#include "host/stop.hpp"
#include "store/baseline_left.hpp"
#include "store/progress.hpp"
#include "store/schema.hpp"
#include "worker/baseline.hpp"

namespace bemi::cli {
namespace {

constexpr std::chrono::milliseconds refresh_time_max{500};

// The worker does it too, a moment later, and has the rights for certain. Thousands of new views
// are left to it.
base::Status refresh_views(const host::Config& config) {
  TRY_ASSIGN(pg::Connection destination, host::open_destination(config, host::Access::read_write));
  auto until = std::chrono::steady_clock::now() + refresh_time_max;
  while (true) {
    auto done = destination.run("select bemi.refresh_time_travel(false)");
    if (!done) {
      base::log::debug("the views of the past: {}", done.error().message);
      return {};
    }
    auto remaining = done->integer(0, 0);
    if (remaining == 0) return {};
    if (std::chrono::steady_clock::now() > until) {
      base::log::info("the views of the past of {} tables are still to be made", remaining);
      return {};
    }
  }
}

// The rows from before a table was tracked were committed before the call too. Those that the
// worker has said it does not read are not waited for.
base::Result<std::string> unread_table(pg::Connection& source, pg::Connection& destination,
                                       const setup::Settings& settings) {
  TRY_ASSIGN(auto progress, store::load_progress(destination, settings.source_name));
  if (!progress) return std::string();
  TRY_ASSIGN(worker::Missing missing,
             worker::find_missing(source, destination, *progress, settings));
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
  while (!host::asked_to_stop().triggered()) {
    TRY_ASSIGN(std::string unread, unread_table(source, destination, settings));
    if (unread.empty()) return {};
    if (timeout_s > 0 && std::chrono::steady_clock::now() > deadline) {
      return base::fail(base::ErrorKind::limit,
                        fmt::format("the rows that {} had before it was tracked were not stored "
                                    "within {} s",
                                    unread, timeout_s),
                        "is the worker running? see: bemi status");
    }
    base::pause(&host::asked_to_stop(), std::chrono::milliseconds(100));
  }
  return base::fail(base::ErrorKind::interrupted, "stopped while waiting for the baseline");
}

base::Status sync_command(const host::Config& config, int timeout_s) {
  TRY_ASSIGN(pg::Connection source, host::open_source(config, host::Access::read_write));
  TRY_ASSIGN(pg::Connection destination, host::open_destination(config, host::Access::read_only));
  TRY(store::history_schema(destination));
  TRY_ASSIGN(setup::Settings settings, host::setup_settings(config, source));
  TRY(host::catch_up(source, destination, settings.source_name, std::chrono::seconds(timeout_s)));
  TRY(wait_for_baselines(source, destination, settings, timeout_s));
  return refresh_views(config);
}

}  // namespace

void add_sync(Verbs& verbs) {
  host::Config& config = verbs.config();
  auto timeout_s = std::make_shared<int>(0);
  CLI::App& command =
      verbs.add(verbs.app(), "sync", "Wait until the history has everything that is committed now",
                [&config, timeout_s] { return sync_command(config, *timeout_s); });
  command.add_option("--timeout", *timeout_s,
                     "The seconds after which to give up [default: never]");
  add_connection_options(command, config);
}

}  // namespace bemi::cli
