// SPDX-License-Identifier: LGPL-3.0-or-later
#include "cli/verbs/run_command.hpp"

#include <CLI/CLI.hpp>

#include "base/log.hpp"
#include "cli/options.hpp"
#include "cli/verbs/verbs.hpp"
#include "host/connections.hpp"
#include "host/dashboard.hpp"
#include "host/stop.hpp"
#include "worker/report.hpp"
#include "worker/worker.hpp"

namespace bemi::cli {
namespace {

// Asks the two servers for the default names, and whether they are one.
base::Status settle_ends(const host::Config& config, pipeline::Settings& settings) {
  TRY_ASSIGN(pg::Connection source, host::open_source(config, host::Access::read_write));
  TRY_ASSIGN(pg::Connection destination, host::open_destination(config, host::Access::read_write));
  TRY_ASSIGN(settings.setup, host::setup_settings(config, source));
  TRY_ASSIGN(settings.setup.one_database, host::same_database(source, destination));
  // There an application wants the processors that a backlog would take.
  if (settings.store_connections == 0)
    settings.store_connections = settings.setup.one_database ? 1 : 2;
  TRY(setup::take_known(destination, settings.setup));
  TRY(setup::look_at_source(source, settings.setup));
  TRY(setup::look_at_destination(destination));
  // The dashboard keeps its token there; the worker would do it in any case.
  if (!config.http.empty()) TRY(store::migrate(destination, settings.setup.destination));
  return {};
}

base::Status run(const host::Config& config, const base::Interrupt& stop,
                 const worker::Report& report) {
  base::log::configure(
      config.log_format == "json" ? base::log::Format::json : base::log::Format::text,
      config.verbose ? base::log::Level::debug : base::log::Level::info);
  TRY(host::require_source(config));
  pipeline::Settings settings;
  static_cast<pipeline::WorkerOptions&>(settings) = config.worker;
  settings.source_url = config.source_url;
  settings.destination_url = config.destination();
  settings.admin_url = config.admin_url;
  settings.maintain_url = config.maintain_url;
  settings.version = BEMI_VERSION;
  settings.stop = &stop;
  TRY_ASSIGN(settings.snapshot, host::snapshot_policy(config.tracking.snapshot));
  TRY_ASSIGN(settings.context_keys, host::context_keys(config));
  TRY_ASSIGN(settings.maintenance, host::maintenance_settings(config));
  auto settle = [&] { return settle_ends(config, settings); };
  if (base::Status settled = worker::keep_trying(settle, stop, report); !settled) return settled;
  if (stop.triggered()) return {};
  std::unique_ptr<serve::Server> dashboard;
  if (!config.http.empty()) {
    TRY_ASSIGN(dashboard, host::start_dashboard(config, {.any_port = config.any_http_port}, stop));
  }
  return worker::run_worker(settings);
}

}  // namespace

base::Status run_command(const host::Config& config, const base::Interrupt& stop) {
  worker::Report report(config.worker.status_fd);
  base::Status ended = run(config, stop, report);
  if (!ended) report.ended(ended.error());
  return ended;
}

void add_run(Verbs& verbs) {
  host::Config& config = verbs.config();
  CLI::App& command = verbs.add(verbs.app(), "run", "Run the worker: track a source until stopped",
                                [&config] { return run_command(config, host::asked_to_stop()); });
  add_connection_options(command, config);
  add_tracking_options(command, config);
  add_worker_options(command, config);
  add_maintenance_options(command, config);
  add_http_options(command, config);
  add_log_options(command, config);
}

}  // namespace bemi::cli
