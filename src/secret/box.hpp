// SPDX-License-Identifier: LGPL-3.0-or-later
//
// Box: secrets at rest. What it seals can be opened only with the key, which comes from the
// environment (BEMI_SECRET_KEY) and is kept nowhere. libsodium's secretbox: authenticated, a nonce
// of its own for each.
#pragma once

#include <array>
#include <string>
#include <string_view>

#include "base/result.hpp"

namespace bemi::secret {

class Box {
 public:
  // Any text of 32 bytes or more. Error of kind usage: too short.
  static base::Result<Box> of_key(std::string_view key);

  // Base64. `purpose` is no secret: what was sealed for one opens for no other.
  [[nodiscard]] std::string seal(std::string_view purpose, std::string_view plain) const;
  // Error of kind usage: sealed with another key, or damaged.
  [[nodiscard]] base::Result<std::string> open(std::string_view purpose,
                                               std::string_view sealed) const;

 private:
  using Key = std::array<unsigned char, 32>;
  explicit Box(const Key& key) : key_(key) {}
  [[nodiscard]] Key key_for(std::string_view purpose) const;
  Key key_;
};

// The error of the API and of the command line where there is no key.
base::Error no_key();

}  // namespace bemi::secret
