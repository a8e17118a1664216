// SPDX-License-Identifier: LGPL-3.0-or-later
#include <chrono>
#include <memory>

#include <CLI/CLI.hpp>

#include "base/log.hpp"
#include "cli/options.hpp"
#include "cli/verbs/verbs.hpp"
#include "host/connections.hpp"
#include "host/dashboard.hpp"
#include "host/source_control.hpp"
#include "host/stop.hpp"
#include "store/migrate.hpp"
#include "store/schema.hpp"

namespace bemi::cli {
namespace {

constexpr const char* address_default = "127.0.0.1:7070";

struct ServeOptions {
  bool new_token = false;
};

// If sources are connected from here, this program creates the history; otherwise a worker has made
// it.
base::Status find_history(const host::Config& config, bool makes_it) {
  TRY_ASSIGN(pg::Connection destination,
             host::open_destination(config,
                                    makes_it ? host::Access::read_write : host::Access::read_only));
  if (makes_it) {
    store::DestinationSettings settings;
    settings.schema = config.schema;
    return store::migrate(destination, settings);
  }
  TRY(store::history_schema(destination));
  return {};
}

base::Status serve_command(host::Config config, const ServeOptions& options,
                           const base::Interrupt& stop) {
  base::log::configure(
      config.log_format == "json" ? base::log::Format::json : base::log::Format::text,
      config.verbose ? base::log::Level::debug : base::log::Level::info);
  if (config.destination_url.empty()) TRY(host::require_source(config));
  if (config.http.empty()) config.http = address_default;
  bool supervises = host::has_secret_key();
  TRY(find_history(config, supervises));
  TRY_ASSIGN(auto server,
             host::start_dashboard(
                 config, {.new_token = options.new_token, .supervises = supervises}, stop));
  while (!stop.triggered()) base::pause(&stop, std::chrono::hours(1));
  return {};
}

}  // namespace

void add_serve(Verbs& verbs) {
  host::Config& config = verbs.config();
  auto options = std::make_shared<ServeOptions>();
  CLI::App& command = verbs.add(
      verbs.app(), "serve", "Serve the dashboard and the API without a worker",
      [&config, options] { return serve_command(config, *options, host::asked_to_stop()); });
  command.add_flag("--new-token", options->new_token,
                   "Make and print a new token; the old one and all sessions end");
  add_connection_options(command, config);
  // It reads live rows, and makes a history: as the worker does.
  add_tracking_options(command, config);
  add_http_options(command, config);
  add_log_options(command, config);
}

}  // namespace bemi::cli
