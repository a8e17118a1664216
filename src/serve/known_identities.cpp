// SPDX-License-Identifier: LGPL-3.0-or-later
#include "serve/known_identities.hpp"

#include "serve/limits.hpp"

namespace bemi::serve {

std::optional<Identity> KnownIdentities::find(const std::string& hash, Clock::time_point now) {
  auto found = known_.find(hash);
  if (found == known_.end()) return std::nullopt;
  if (found->second.until > now) return found->second.identity;
  known_.erase(found);
  return std::nullopt;
}

void KnownIdentities::remember(const std::string& hash, const Identity& identity,
                               Clock::time_point now) {
  if (known_.size() >= identities_max) known_.clear();
  known_[hash] = {identity, now + identity_known_for};
}

void KnownIdentities::forget_all(const std::string& name, const std::string& but) {
  std::erase_if(known_, [&](const auto& known) {
    return known.second.identity.name == name && known.first != but;
  });
}

}  // namespace bemi::serve
