// SPDX-License-Identifier: LGPL-3.0-or-later
//
// What a database says of its encoding, asked once in a process.
#pragma once

#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <utility>

#include "pg/connection.hpp"

namespace bemi::pg {

// `ask(connection)` gives a base::Result<T>. What one server says of an encoding is not believed of
// another's.
template <class T, class Ask>
base::Result<std::shared_ptr<const T>> asked_once(Connection& connection, Ask ask) {
  static std::mutex mutex;
  static std::map<std::string, std::shared_ptr<const T>> known;
  std::string place =
      connection.host() + "/" + connection.database() + "/" + connection.server_encoding();
  {
    std::scoped_lock lock(mutex);
    if (auto found = known.find(place); found != known.end()) return found->second;
  }
  // Without the lock: a server that does not answer must not hold up those that ask another one.
  TRY_ASSIGN(T answer, ask(connection));
  std::scoped_lock lock(mutex);
  return known.emplace(place, std::make_shared<const T>(std::move(answer))).first->second;
}

}  // namespace bemi::pg
