// SPDX-License-Identifier: LGPL-3.0-or-later
//
// One client's connection: requests in, answers, downloads and event streams out, each with a limit
// of size and time. Runs on the network's one thread; what may wait for the database goes to the
// pool.
#pragma once

#include <cstddef>

#include <boost/asio/awaitable.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/thread_pool.hpp>

#include "serve/services.hpp"

namespace serve {

// Of the network's thread.
struct Load {
  std::size_t connections = 0;
  std::size_t asked = 0;  // requests at the pool, or waiting for it
};

// Until the acceptor is closed.
boost::asio::awaitable<void> accept_connections(boost::asio::ip::tcp::acceptor& acceptor,
                                                boost::asio::thread_pool& pool,
                                                const Services& services, Load& load);

}  // namespace serve
