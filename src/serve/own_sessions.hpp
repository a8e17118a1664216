// SPDX-License-Identifier: LGPL-3.0-or-later
//
// OwnSessions: sessions in memory, for a server that may write nothing to the destination. They end
// with the server. Their number is limited for each person, so that repeated sign-ins end nobody
// else's session. Not for two threads at once.
#pragma once

#include <chrono>
#include <cstddef>
#include <optional>
#include <string>
#include <unordered_map>

#include "serve/role.hpp"

namespace bemi::serve {

struct Identity {
  std::string name;
  Role role = Role::viewer;
  // The token that a changing request must repeat, since browsers send cookies by themselves; empty
  // for a token.
  std::string csrf;
};

class OwnSessions {
 public:
  using Clock = std::chrono::steady_clock;

  // Keyed by the cookie's hash. If a name has too many sessions, the oldest ends.
  void add(const std::string& hash, const Identity& identity, Clock::time_point now = Clock::now());
  std::optional<Identity> find(const std::string& hash, Clock::time_point now = Clock::now());
  void end(const std::string& hash) { sessions_.erase(hash); }
  // All of that name, but one.
  void end_all(const std::string& name, const std::string& but = "");
  [[nodiscard]] std::size_t count() const { return sessions_.size(); }

 private:
  struct Session {
    Identity identity;
    Clock::time_point until;
  };
  std::unordered_map<std::string, Session> sessions_;
};

}  // namespace bemi::serve
