// SPDX-License-Identifier: LGPL-3.0-or-later
#include "store/change_id.hpp"

#include <xxhash.h>

#include <algorithm>

namespace bemi::store {
namespace {

void put(unsigned char* out, std::uint64_t value, int bytes) {
  for (int i = bytes - 1; i >= 0; --i) {
    out[i] = static_cast<unsigned char>(value);
    value >>= 8;
  }
}

}  // namespace

Uuid change_id(base::Timestamp committed_at, const ChangeIdentity& identity) {
  // The fixed-size part is hashed with the source's own hash as seed: no allocation per change.
  std::array<unsigned char, 16> fixed{};
  put(fixed.data(), identity.commit_position.value, 8);
  put(fixed.data() + 8, identity.sequence, 4);
  put(fixed.data() + 12, static_cast<std::uint32_t>(identity.epoch), 4);
  XXH64_hash_t seed = XXH3_64bits(identity.source.data(), identity.source.size());
  XXH128_hash_t hash = XXH3_128bits_withSeed(fixed.data(), fixed.size(), seed);

  Uuid id{};
  put(id.data(), hash.low64, 8);  // bytes 6 and 7 keep twelve bits of it
  std::int64_t milliseconds = std::max<std::int64_t>(committed_at.unix_us / 1000, 0);
  put(id.data(), static_cast<std::uint64_t>(milliseconds), 6);
  put(id.data() + 8, hash.high64, 8);
  id[6] = static_cast<unsigned char>((id[6] & 0x0f) | 0x80);  // version 8
  id[8] = static_cast<unsigned char>((id[8] & 0x3f) | 0x80);  // RFC variant
  return id;
}

}  // namespace bemi::store
