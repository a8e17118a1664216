// SPDX-License-Identifier: LGPL-3.0-or-later
#include "serve/own_sessions.hpp"

#include <algorithm>

#include "serve/limits.hpp"

namespace bemi::serve {

void OwnSessions::add(const std::string& hash, const Identity& identity, Clock::time_point now) {
  std::erase_if(sessions_, [&](const auto& one) { return one.second.until <= now; });
  auto is_same = [&](const auto& one) { return one.second.identity.name == identity.name; };
  if (std::ranges::count_if(sessions_, is_same) >= sessions_max) {
    auto oldest = sessions_.end();
    for (auto one = sessions_.begin(); one != sessions_.end(); ++one) {
      if (!is_same(*one)) continue;
      if (oldest == sessions_.end() || one->second.until < oldest->second.until) oldest = one;
    }
    sessions_.erase(oldest);
  }
  sessions_[hash] = {identity, now + session_lifetime};
}

std::optional<Identity> OwnSessions::find(const std::string& hash, Clock::time_point now) {
  auto found = sessions_.find(hash);
  if (found == sessions_.end() || found->second.until <= now) return std::nullopt;
  return found->second.identity;
}

void OwnSessions::end_all(const std::string& name, const std::string& but) {
  std::erase_if(sessions_, [&](const auto& one) {
    return one.second.identity.name == name && one.first != but;
  });
}

}  // namespace bemi::serve
