// SPDX-License-Identifier: LGPL-3.0-or-later
#include "serve/readings.hpp"

#include "serve/limits.hpp"

namespace bemi::serve {

bool Readings::is_first_in_hour(const std::string& actor, const std::string& peer,
                                const std::string& what, Clock::time_point now) {
  while (!recorded_.empty() && now - recorded_.front().at >= std::chrono::hours(1)) {
    keys_.erase(recorded_.front().key);
    recorded_.pop_front();
  }
  // Beyond the limit each one is recorded: rather too often than not at all.
  if (keys_.size() >= readings_max) return true;
  auto [key, is_first] = keys_.insert(actor + '\x01' + peer + '\x01' + what);
  if (is_first) recorded_.push_back({.key = *key, .at = now});
  return is_first;
}

}  // namespace bemi::serve
