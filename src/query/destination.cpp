// SPDX-License-Identifier: LGPL-3.0-or-later
#include "query/destination.hpp"

namespace bemi::query {

Destination::Lease::~Lease() {
  if (!connection_) return;
  // Also tells a connection that broke, or one left in a failed transaction.
  if (connection_->run("rollback")) owner_->give_back(std::move(*connection_));
}

base::Result<Destination::Lease> Destination::reader() {
  {
    std::scoped_lock lock(mutex_);
    if (!idle_.empty()) {
      pg::Connection connection = std::move(idle_.back());
      idle_.pop_back();
      return Lease(*this, std::move(connection));
    }
  }
  TRY_ASSIGN(pg::Connection connection,
             pg::Connection::open(
                 {.url = url_, .purpose = "bemi/serve", .read_only = true, .interrupt = stop_}));
  // Comparing timestamps with text needs no JIT, and a cursor's page none either.
  TRY(connection.run("set statement_timeout = " + std::to_string(limits_.statement_ms_max) +
                     "; set jit = off"));
  return Lease(*this, std::move(connection));
}

base::Result<pg::Connection> Destination::writer() {
  return pg::Connection::open({.url = url_, .purpose = "bemi/serve", .interrupt = stop_});
}

void Destination::give_back(pg::Connection connection) {
  std::scoped_lock lock(mutex_);
  if (idle_.size() < limits_.idle_max) idle_.push_back(std::move(connection));
}

}  // namespace bemi::query
