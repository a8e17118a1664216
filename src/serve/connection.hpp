// SPDX-License-Identifier: LGPL-3.0-or-later
//
// One client's connection: requests in, answers, downloads and event streams out, each with a limit
// of size and time. Runs on the network's one thread; what may wait for the database goes to the
// pool.
#pragma once

#include <cstddef>
#include <string>
#include <unordered_map>

#include <boost/asio/awaitable.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/thread_pool.hpp>

#include "serve/services.hpp"

namespace bemi::serve {

// Counters that only the network's thread uses.
struct Load {
  std::size_t connections = 0;
  std::unordered_map<std::string, std::size_t> by_address;
  std::size_t asked = 0;  // requests at the pool, or waiting for it
  std::size_t bytes = 0;  // of answers that wait for their readers
  std::unordered_map<std::string, std::size_t> bytes_by_client;
  std::size_t sign_ins = 0;  // those that sign in: at a thread of their own
};

// The threads that wait for the database, and the one that compares passwords.
struct Pools {
  boost::asio::thread_pool* questions;
  boost::asio::thread_pool* sign_ins;
};

// Until the acceptor is closed.
boost::asio::awaitable<void> accept_connections(boost::asio::ip::tcp::acceptor& acceptor,
                                                Pools pools, const Services& services, Load& load);

}  // namespace bemi::serve
