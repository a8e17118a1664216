// SPDX-License-Identifier: LGPL-3.0-or-later
//
// Destination: connections to the history that requests borrow. Reading ones can write nothing and
// no statement of theirs runs longer than the limit, so that a question never weighs on the
// database for long. Safe for many threads.
#pragma once

#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "pg/connection.hpp"

namespace bemi::query {

class Destination {
 public:
  struct Limits {
    int statement_ms_max = 0;
    std::size_t idle_max = 0;  // connections that are kept for the next one
  };
  Destination(std::string url, const Limits& limits, const base::Interrupt& stop)
      : url_(std::move(url)), limits_(limits), stop_(&stop) {}

  // Gives the connection back when it goes out of scope, unless it broke.
  class Lease {
   public:
    Lease(Destination& owner, pg::Connection connection)
        : owner_(&owner), connection_(std::make_unique<pg::Connection>(std::move(connection))) {}
    Lease(Lease&&) noexcept = default;
    Lease& operator=(Lease&&) = delete;
    ~Lease();
    pg::Connection& operator*() { return *connection_; }
    pg::Connection* operator->() { return connection_.get(); }

   private:
    Destination* owner_;
    std::unique_ptr<pg::Connection> connection_;
  };

  base::Result<Lease> reader();
  // A connection of its own: writing is rare here.
  base::Result<pg::Connection> writer();

 private:
  void give_back(pg::Connection connection);

  std::string url_;
  Limits limits_;
  const base::Interrupt* stop_;
  std::mutex mutex_;
  std::vector<pg::Connection> idle_;
};

}  // namespace bemi::query
