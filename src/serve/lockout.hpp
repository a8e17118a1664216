// SPDX-License-Identifier: LGPL-3.0-or-later
//
// Lockout: who has guessed too often of late. Of a few thousand who guess, not of all that ever
// did: when there are too many, the one who began first is forgotten, and no other. A network of
// IPv6 that one subscriber has counts as one. Safe for many threads.
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

  // `who`: an address, or any other name of who guesses.
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
