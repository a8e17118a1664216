// SPDX-License-Identifier: LGPL-3.0-or-later
#include <CLI/CLI.hpp>

#include "base/log.hpp"
#include "cli/commands.hpp"
#include "cli/dashboard.hpp"
#include "cli/ends.hpp"
#include "cli/source_control.hpp"
#include "store/migrate.hpp"
#include "store/schema.hpp"

namespace cli {
namespace {

constexpr const char* address_default = "127.0.0.1:7070";

// Where sources are connected from here, the history begins here; else somebody's worker made it.
base::Status find_history(const Config& config, bool makes_it) {
  TRY_ASSIGN(pg::Connection destination,
             open_destination(config, makes_it ? Access::read_write : Access::read_only));
  if (makes_it) {
    store::DestinationSettings settings;
    settings.schema = config.schema;
    return store::migrate(destination, settings);
  }
  TRY(store::history_schema(destination));
  return {};
}

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
      ->add_option("--http-user-header", config.http_user_header,
                   "The header by which a proxy says who has signed in with it")
      ->envname("BEMI_HTTP_USER_HEADER")
      ->type_name("NAME");
  group
      ->add_option("--http-trusted-proxy", config.http_trusted_proxies,
                   "The address of a proxy that is believed; may be given again")
      ->envname("BEMI_HTTP_TRUSTED_PROXY")
      ->delimiter(',')
      ->type_name("ADDRESS");
  group
      ->add_option("--http-host", config.http_hosts,
                   "A name that browsers ask for, beside the address; may be given again")
      ->envname("BEMI_HTTP_HOST")
      ->delimiter(',')
      ->type_name("NAME");
  group
      ->add_option("--webhook-allow", config.webhook_ranges,
                   "Addresses within your network that webhooks may go to; may be given again")
      ->envname("BEMI_WEBHOOK_ALLOW")
      ->type_name("RANGE");
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
  bool supervises = has_secret_key();
  TRY(find_history(config, supervises));
  TRY_ASSIGN(
      auto server,
      start_dashboard(config, {.new_token = options.new_token, .supervises = supervises}, stop));
  while (!stop.triggered()) base::pause(&stop, std::chrono::hours(1));
  return {};
}

}  // namespace cli
