// SPDX-License-Identifier: LGPL-3.0-or-later
//
// Server: the dashboard, its API and the live stream over HTTP. One thread talks to all clients,
// a few others wait for the database; none of them is the worker's. Stops when destroyed.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/interrupt.hpp"
#include "base/result.hpp"
#include "serve/probe.hpp"

namespace bemi::serve {

// Implemented by whoever starts the server.
class Undo;
class Control;
class LiveRows;

struct ServerSettings {
  std::string address = "127.0.0.1";
  std::uint16_t port = 0;  // 0: any free one
  std::string destination_url;
  std::string token;                         // given from outside; empty: kept in the destination
  std::string user_header;                   // in which a trusted proxy names the user
  std::vector<std::string> trusted_proxies;  // their addresses
  std::vector<std::string> hosts;            // names that it is asked by, beside its address
  std::vector<std::string> webhook_ranges;   // where webhooks may go beside the public internet
  std::string secret_key;                    // what secrets are sealed with; empty: no webhooks
  bool make_new_token = false;
  std::string version;
  std::shared_ptr<Probe> probe;
  std::shared_ptr<LiveRows> live_rows;
  std::shared_ptr<Undo> undo;
  std::shared_ptr<Control> control;
  const base::Interrupt* stop = nullptr;  // ends waits for the database; outlives the server
};

// "127.0.0.1:7070", "[::1]:7070", ":7070" (loopback).
base::Result<ServerSettings> parse_listen_address(const std::string& text);

class Server {
 public:
  // Errors: usage (no such address, the port is taken, the history is not there), connection.
  static base::Result<std::unique_ptr<Server>> start(const ServerSettings& settings);
  ~Server();
  Server(const Server&) = delete;
  Server& operator=(const Server&) = delete;

  // "http://127.0.0.1:7070"
  [[nodiscard]] const std::string& url() const;
  // The token that was made now: to be shown once.
  [[nodiscard]] const std::optional<std::string>& new_token() const;

 private:
  struct State;
  explicit Server(std::unique_ptr<State> state);
  std::unique_ptr<State> state_;
};

}  // namespace bemi::serve
