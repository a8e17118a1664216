// SPDX-License-Identifier: LGPL-3.0-or-later
//
// Readings: remembers who has read what within the last hour, so that a screen that asks many times
// a minute is recorded once. Pure: the caller passes the time. Not for several threads.
#pragma once

#include <chrono>
#include <deque>
#include <set>
#include <string>

namespace bemi::serve {

class Readings {
 public:
  using Clock = std::chrono::steady_clock;

  // Whether this reading is to be recorded, and remembers it then. `what` names the kind of
  // reading.
  // \pre `now` never goes back.
  bool is_first_in_hour(const std::string& actor, const std::string& peer, const std::string& what,
                        Clock::time_point now);

 private:
  struct Recorded {
    std::string key;
    Clock::time_point at;
  };
  std::set<std::string> keys_;     // of those below
  std::deque<Recorded> recorded_;  // within the hour, the oldest first
};

}  // namespace bemi::serve
