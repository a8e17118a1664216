// SPDX-License-Identifier: LGPL-3.0-or-later
//
// Lockout: the addresses with too many recent wrong guesses. It remembers a few thousand addresses;
// beyond that, it forgets the one that began first, and no other. The IPv6 network of one
// subscriber counts as one address. Safe for many threads.
#pragma once

#include <chrono>
#include <cstddef>
#include <map>
#include <mutex>
#include <string>

namespace bemi::serve {

class Lockout {
 public:
  using Clock = std::chrono::steady_clock;

  // `who`: an address, or another name for the client.
  bool holds(const std::string& who, Clock::time_point now = Clock::now());
  void note_failure(const std::string& who, Clock::time_point now = Clock::now());

 private:
  struct Failures {
    int count = 0;
    Clock::time_point since;
  };
  void make_room(Clock::time_point now);

  std::mutex mutex_;
  std::map<std::string, Failures> failures_;
};

}  // namespace bemi::serve
