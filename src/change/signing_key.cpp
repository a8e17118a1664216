// SPDX-License-Identifier: LGPL-3.0-or-later
#include "change/signing_key.hpp"

#include <cstddef>

#include "base/sha256.hpp"

namespace bemi::change {
namespace {

constexpr std::size_t block_bytes = 64;

std::string mixed(std::string_view secret, char constant) {
  std::string block(block_bytes, constant);
  for (std::size_t i = 0; i < secret.size(); ++i) {
    block[i] = static_cast<char>(block[i] ^ secret[i]);
  }
  return block;
}

}  // namespace

SigningKey SigningKey::of(std::string_view secret) {
  if (secret.size() > block_bytes) return of(base::sha256({secret}));
  return {.inner = mixed(secret, '\x36'), .outer = mixed(secret, '\x5c')};
}

std::string hmac_sha256(const SigningKey& key, std::string_view purpose, std::string_view content) {
  return base::sha256({key.outer, base::sha256({key.inner, purpose, content})});
}

}  // namespace bemi::change
