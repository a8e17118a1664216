// SPDX-License-Identifier: LGPL-3.0-or-later
#include "cli/dashboard.hpp"

#include <iostream>

#include "base/log.hpp"
#include "cli/ends.hpp"
#include "cli/source_probe.hpp"
#include "cli/source_undo.hpp"
#include "store/schema.hpp"

namespace cli {
namespace {

// After #, which a browser keeps to itself: no log of any proxy has the token.
void tell(const serve::Server& server, const std::string& given_token) {
  const std::string& token = server.new_token() ? *server.new_token() : given_token;
  std::cout << server.url() << (token.empty() ? "" : "/#token=" + token) << "\n" << std::flush;
  base::log::info("the dashboard is at {}", server.url());
}

}  // namespace

base::Result<std::unique_ptr<serve::Server>> start_dashboard(const Config& config,
                                                             const DashboardOptions& options,
                                                             const base::Interrupt& stop) {
  TRY_ASSIGN(serve::ServerSettings settings, serve::parse_listen_address(config.http));
  settings.destination_url = config.destination();
  settings.token = config.http_token;
  settings.make_new_token = options.new_token;
  settings.version = BEMI_VERSION;
  settings.stop = &stop;
  if (!config.source_url.empty()) {
    settings.probe = std::make_shared<SourceProbe>(config.source_url, config.source_name, stop);
    settings.undo = std::make_shared<SourceUndo>(config, stop);
  }
  auto server = serve::Server::start(settings);
  if (!server && options.any_port && settings.port != 0) {
    settings.port = 0;
    server = serve::Server::start(settings);
  }
  if (server) tell(**server, config.shows_http_token ? config.http_token : "");
  return server;
}

}  // namespace cli
