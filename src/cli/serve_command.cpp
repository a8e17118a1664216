// SPDX-License-Identifier: LGPL-3.0-or-later
#include <CLI/CLI.hpp>

#include "base/log.hpp"
#include "cli/commands.hpp"
#include "cli/dashboard.hpp"
#include "cli/ends.hpp"
#include "store/schema.hpp"

namespace cli {
namespace {

constexpr const char* address_default = "127.0.0.1:7070";

}  // namespace

void add_http_options(CLI::App& command, Config& config) {
  auto* group = command.add_option_group("Dashboard", "");
  group->add_option("--http", config.http, "Serve dashboard, API and metrics here")
      ->envname("BEMI_HTTP")
      ->type_name("ADDRESS:PORT");
  group
      ->add_option("--http-token", config.http_token,
                   "The token to ask for [default: made at the first start and kept as a hash]")
      ->envname("BEMI_HTTP_TOKEN")
      ->type_name("TOKEN");
  group
      ->add_option("--revert-url", config.revert_url,
                   "The source, for undoing: a role that may write its tables [default: --source]")
      ->envname("BEMI_REVERT_URL")
      ->type_name("URL");
}

base::Status serve_command(Config config, const ServeOptions& options,
                           const base::Interrupt& stop) {
  base::log::configure(
      config.log_format == "json" ? base::log::Format::json : base::log::Format::text,
      config.verbose ? base::log::Level::debug : base::log::Level::info);
  if (config.destination_url.empty()) TRY(require_source(config));
  if (config.http.empty()) config.http = address_default;
  {
    TRY_ASSIGN(pg::Connection destination, open_destination(config, Access::read_only));
    TRY(store::history_schema(destination));
  }
  TRY_ASSIGN(auto server, start_dashboard(config, {.new_token = options.new_token}, stop));
  while (!stop.triggered()) base::pause(&stop, std::chrono::hours(1));
  return {};
}

}  // namespace cli
