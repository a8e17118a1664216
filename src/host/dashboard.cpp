// SPDX-License-Identifier: LGPL-3.0-or-later
#include "host/dashboard.hpp"

#include <algorithm>
#include <cctype>
#include <cstdlib>
#include <iostream>

#include "base/log.hpp"
#include "host/connections.hpp"
#include "host/managed_ends.hpp"
#include "host/source_control.hpp"
#include "host/source_probe.hpp"
#include "host/source_undo.hpp"
#include "store/schema.hpp"

namespace bemi::host {
namespace {

// After #, which a browser keeps to itself: no log of any proxy has the token.
void tell(const serve::Server& server, const std::string& given_token) {
  const std::string& token = server.new_token() ? *server.new_token() : given_token;
  std::cout << server.url() << (token.empty() ? "" : "/#token=" + token) << "\n" << std::flush;
  base::log::info("the dashboard is at {}", server.url());
}

// From the environment only: everybody can see a flag.
std::string secret_key() {
  const char* key = std::getenv("BEMI_SECRET_KEY");
  return key == nullptr ? "" : key;
}

base::Status manage_sources(const Config& config, serve::ServerSettings& settings,
                            const base::Interrupt& stop) {
  TRY_ASSIGN(secret::Box box, box_of_environment());
  auto control = std::make_shared<SourceControl>(config, box, stop);
  settings.control = control;
  settings.probe = std::make_shared<ManagedProbe>(settings.probe, *control, stop);
  settings.live_rows = std::make_shared<ManagedLiveRows>(settings.live_rows, *control);
  settings.undo = std::make_shared<ManagedUndo>(settings.undo, *control, stop);
  control->supervise();
  return {};
}

// Fast guesses of this token are never refused, since that would lock out its owner. So it must be
// long.
base::Status is_hard_to_guess(const std::string& token) {
  constexpr std::size_t bytes_min = 32;
  if (token.empty() || token.size() >= bytes_min) return {};
  return base::fail(base::ErrorKind::usage, "the dashboard's token has less than 32 characters",
                    "make one with: openssl rand -hex 32; or give none, and one is made");
}

std::string lower_case(std::string text) {
  std::ranges::transform(text, text.begin(),
                         [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
  return text;
}

}  // namespace

base::Result<std::unique_ptr<serve::Server>> start_dashboard(const Config& config,
                                                             const DashboardOptions& options,
                                                             const base::Interrupt& stop) {
  TRY_ASSIGN(serve::ServerSettings settings, serve::parse_listen_address(config.http));
  TRY(is_hard_to_guess(config.http_token));
  settings.destination_url = config.destination();
  settings.token = config.http_token;
  settings.user_header = lower_case(config.http_user_header);
  settings.trusted_proxies = config.http_trusted_proxies;
  settings.hosts = config.http_hosts;
  settings.webhook_ranges = config.webhook_ranges;
  settings.secret_key = secret_key();
  settings.make_new_token = options.new_token;
  settings.version = BEMI_VERSION;
  settings.stop = &stop;
  if (!config.source_url.empty()) {
    settings.probe = std::make_shared<SourceProbe>(config.source_url, config.source_name, stop);
    settings.live_rows = std::make_shared<SourceLiveRows>(config);
    settings.undo = std::make_shared<SourceUndo>(config, stop);
  }
  if (options.supervises) TRY(manage_sources(config, settings, stop));
  auto server = serve::Server::start(settings);
  if (!server && options.any_port && settings.port != 0) {
    settings.port = 0;
    server = serve::Server::start(settings);
  }
  if (server) tell(**server, config.shows_http_token ? config.http_token : "");
  return server;
}

}  // namespace bemi::host
