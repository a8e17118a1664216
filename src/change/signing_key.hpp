// SPDX-License-Identifier: LGPL-3.0-or-later
#pragma once

#include <string>

namespace bemi::change {

// The key of the source's event triggers: HMAC-SHA256's key, padded to 64 bytes
// and mixed with its two constants.
struct SigningKey {
  std::string inner;
  std::string outer;
};

}  // namespace bemi::change
