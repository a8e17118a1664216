// SPDX-License-Identifier: LGPL-3.0-or-later
#include "serve/server.hpp"

#include <thread>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/signal_set.hpp>
#include <boost/asio/thread_pool.hpp>
#include <boost/asio/use_awaitable.hpp>

#include "base/log.hpp"
#include "base/number.hpp"
#include "deliver/live_feed.hpp"
#include "deliver/reachable.hpp"
#include "deliver/webhook_sender.hpp"
#include "deliver/webhooks.hpp"
#include "pg/foreign.hpp"
#include "query/destination.hpp"
#include "serve/access.hpp"
#include "serve/action_log.hpp"
#include "serve/api/filter_body.hpp"
#include "serve/connection.hpp"
#include "serve/hosts.hpp"
#include "serve/limits.hpp"
#include "serve/metrics.hpp"
#include "serve/users.hpp"
#include "serve/views.hpp"

namespace bemi::serve {

namespace asio = boost::asio;
using asio::ip::tcp;

namespace {

base::Error cannot_listen(const ServerSettings& settings, const std::string& why) {
  return {base::ErrorKind::usage,
          "cannot listen on " + settings.address + ":" + std::to_string(settings.port) + ": " + why,
          "choose another with --http ADDRESS:PORT",
          {}};
}

base::Status open_acceptor(tcp::acceptor& acceptor, const ServerSettings& settings) {
  boost::system::error_code failed;
  auto address = asio::ip::make_address(settings.address, failed);
  if (failed) return std::unexpected(cannot_listen(settings, "not an IP address"));
  tcp::endpoint endpoint(address, settings.port);
  acceptor.open(endpoint.protocol(), failed);
  if (!failed) acceptor.set_option(asio::socket_base::reuse_address(true), failed);
  if (!failed) acceptor.bind(endpoint, failed);
  if (!failed) acceptor.listen(asio::socket_base::max_listen_connections, failed);
  if (failed) return std::unexpected(cannot_listen(settings, failed.message()));
  return {};
}

// By default, no client's header is believed: any client could send it.
base::Status can_be_trusted(const ServerSettings& settings) {
  if (!settings.user_header.empty() && settings.trusted_proxies.empty()) {
    return base::fail(base::ErrorKind::usage, "a header names the user, and no proxy is trusted",
                      "name the proxy's address with --http-trusted-proxy");
  }
  for (const std::string& proxy : settings.trusted_proxies) {
    boost::system::error_code failed;
    asio::ip::make_address(proxy, failed);
    if (failed) return base::fail(base::ErrorKind::usage, "not an IP address: " + proxy);
  }
  return {};
}

std::string url_of(const tcp::endpoint& endpoint) {
  std::string host = endpoint.address().to_string();
  // An address that a person can open: the unspecified address is none.
  if (endpoint.address().is_unspecified()) host = "localhost";
  if (endpoint.address().is_v6() && !endpoint.address().is_unspecified()) host = "[" + host + "]";
  return "http://" + host + ":" + std::to_string(endpoint.port());
}

// Anybody on the network path could read tokens, passwords and all changes.
void warn_of_plain_http(const tcp::endpoint& endpoint, const ServerSettings& settings) {
  if (endpoint.address().is_loopback() || !settings.trusted_proxies.empty()) return;
  base::log::warning(
      "the dashboard is open to other machines, over HTTP without TLS: put a proxy with TLS before "
      "it, and name that with --http-trusted-proxy");
}

}  // namespace

struct Server::State {
  State(const ServerSettings& settings, std::optional<secret::Box> sealing,
        deliver::Reachable reach, Hosts names)
      : hosts(std::move(names)),
        probe(settings.probe),
        live_rows(settings.live_rows),
        undo(settings.undo),
        control(settings.control),
        destination(settings.destination_url,
                    {.statement_ms_max = statement_ms_max, .idle_max = workers}, *settings.stop),
        users(destination),
        access(destination, users,
               {.own_token = settings.token,
                .user_header = settings.user_header,
                .trusted_proxies = settings.trusted_proxies}),
        actions(destination, access.keeps_records()),
        box(std::move(sealing)),
        webhooks(destination, box ? &*box : nullptr),
        views(destination),
        reachable(std::move(reach)),
        live(destination) {}

  Hosts hosts;
  std::shared_ptr<Probe> probe;
  std::shared_ptr<LiveRows> live_rows;
  std::shared_ptr<Undo> undo;
  std::shared_ptr<Control> control;
  query::Destination destination;
  Users users;
  Access access;
  ActionLog actions;
  std::optional<secret::Box> box;
  deliver::Webhooks webhooks;
  Views views;
  deliver::Reachable reachable;
  deliver::LiveFeed live;
  Metrics metrics;
  std::stop_source stopping;
  Services services{};
  Load load;  // outlives the connections, which end with the network
  asio::io_context network{1};
  asio::thread_pool pool{workers};
  asio::thread_pool sign_ins{1};
  tcp::acceptor acceptor{network};
  std::string url;
  std::optional<std::string> new_token;
  std::jthread thread;
  std::optional<deliver::WebhookSender> sender;
};

base::Result<ServerSettings> parse_listen_address(const std::string& text) {
  std::size_t colon = text.rfind(':');
  auto port = colon == std::string::npos
                  ? std::nullopt
                  : base::parse_number<std::uint16_t>(std::string_view(text).substr(colon + 1));
  if (!port) {
    return base::fail(base::ErrorKind::usage, "not an address to listen on: " + text,
                      "write it as 127.0.0.1:7070");
  }
  ServerSettings settings;
  std::string host = text.substr(0, colon);
  if (host.starts_with('[') && host.ends_with(']')) host = host.substr(1, host.size() - 2);
  if (host == "localhost") host.clear();
  if (!host.empty()) settings.address = host;
  settings.port = *port;
  return settings;
}

Server::Server(std::unique_ptr<State> state) : state_(std::move(state)) {}

base::Result<std::unique_ptr<Server>> Server::start(const ServerSettings& settings) {
  TRY(can_be_trusted(settings));
  std::optional<secret::Box> box;
  if (!settings.secret_key.empty()) {
    TRY_ASSIGN(box, secret::Box::of_key(settings.secret_key));
  }
  TRY_ASSIGN(deliver::Reachable reachable, deliver::Reachable::with(settings.webhook_ranges));
  TRY_ASSIGN(Hosts hosts, Hosts::with(settings.address, settings.hosts));
  auto state =
      std::make_unique<State>(settings, std::move(box), std::move(reachable), std::move(hosts));
  TRY(open_acceptor(state->acceptor, settings));
  tcp::endpoint endpoint = state->acceptor.local_endpoint();
  state->url = url_of(endpoint);
  warn_of_plain_http(endpoint, settings);
  if (settings.make_new_token) {
    TRY_ASSIGN(state->new_token, state->access.make_new_token());
  } else {
    TRY_ASSIGN(state->new_token, state->access.make_first_token());
  }
  // A host's ports share its cookies.
  std::string cookie = "bemi_session_" + std::to_string(endpoint.port());
  state->services = {.hosts = &state->hosts,
                     .destination = &state->destination,
                     .access = &state->access,
                     .users = &state->users,
                     .actions = &state->actions,
                     .webhooks = &state->webhooks,
                     .views = &state->views,
                     .reachable = &state->reachable,
                     .live = &state->live,
                     .metrics = &state->metrics,
                     .probe = state->probe.get(),
                     .control = state->control.get(),
                     .live_rows = state->live_rows.get(),
                     .undo = state->undo.get(),
                     .may_use_sockets = pg::is_socket(settings.destination_url),
                     .cookie_name = cookie,
                     .version = settings.version,
                     .stopping = state->stopping.get_token()};
  asio::co_spawn(state->network,
                 accept_connections(state->acceptor, {&state->pool, &state->sign_ins},
                                    state->services, state->load),
                 [](std::exception_ptr) {});
  if (state->box) {
    state->sender.emplace(state->destination, state->webhooks, state->reachable, filter_of_text);
  }
  State* running = state.get();
  state->thread = std::jthread([running] {
    while (true) {
      try {
        running->network.run();
        return;
      } catch (const std::exception& error) {
        base::log::error("a connection ended in an exception: {}", error.what());
      }
    }
  });
  return std::unique_ptr<Server>(new Server(std::move(state)));  // lint-ok: a private constructor
}

Server::~Server() {
  state_->stopping.request_stop();
  state_->network.stop();
  if (state_->thread.joinable()) state_->thread.join();
  state_->pool.stop();
  state_->sign_ins.stop();
  state_->pool.join();
  state_->sign_ins.join();
}

const std::string& Server::url() const { return state_->url; }
const std::optional<std::string>& Server::new_token() const { return state_->new_token; }

}  // namespace bemi::serve
