// SPDX-License-Identifier: LGPL-3.0-or-later
#pragma once

#include <string>
#include <string_view>

namespace bemi::change {

// A key of HMAC-SHA256, padded to 64 bytes and mixed with its two constants: of the source's event
// triggers, or of an application that signs its contexts.
struct SigningKey {
  std::string inner;
  std::string outer;

  static SigningKey of(std::string_view secret);
};

// HMAC-SHA256 of both, one after the other: 32 bytes.
std::string hmac_sha256(const SigningKey& key, std::string_view purpose, std::string_view content);

}  // namespace bemi::change
