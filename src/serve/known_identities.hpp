// SPDX-License-Identifier: LGPL-3.0-or-later
//
// KnownIdentities: who was found in the destination a moment ago, by the hash of their secret, so
// that it is not asked for each request. A session that somebody ended elsewhere is forgotten after
// half a minute. Pure: the caller says what time it is. Not for several threads.
#pragma once

#include <chrono>
#include <optional>
#include <string>
#include <unordered_map>

#include "serve/own_sessions.hpp"

namespace bemi::serve {

class KnownIdentities {
 public:
  using Clock = std::chrono::steady_clock;

  std::optional<Identity> find(const std::string& hash, Clock::time_point now = Clock::now());
  void remember(const std::string& hash, const Identity& identity,
                Clock::time_point now = Clock::now());
  void forget(const std::string& hash) { known_.erase(hash); }
  // All of that name, but one.
  void forget_all(const std::string& name, const std::string& but = "");

 private:
  struct Known {
    Identity identity;
    Clock::time_point until;
  };
  std::unordered_map<std::string, Known> known_;
};

}  // namespace bemi::serve
