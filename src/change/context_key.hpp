// SPDX-License-Identifier: LGPL-3.0-or-later
//
// ContextKey: what an application signs its contexts with, as the configuration gives it.
#pragma once

#include <limits>
#include <string>
#include <string_view>

#include "base/clock.hpp"
#include "base/result.hpp"
#include "change/signing_key.hpp"

namespace bemi::change {

struct ContextKey {
  std::string id;
  SigningKey key;
  // It holds for what was signed from the first of these on, and before the second.
  base::Timestamp from{std::numeric_limits<std::int64_t>::min()};
  base::Timestamp until{std::numeric_limits<std::int64_t>::max()};

  [[nodiscard]] bool is_valid_at(base::Timestamp time) const {
    return from <= time && time < until;
  }
};

// What a message may call a key, a database's session and the like: 1 to 64 of A-Z a-z 0-9 . _ - +
// / =
bool is_plain_name(std::string_view text);

// "ID:BASE64", or "ID:BASE64:FROM/UNTIL" with times in UTC (2026-12-31, 2026-12-31T23:00:00Z),
// either of which may be missing. Error of kind usage, which does not repeat the text.
base::Result<ContextKey> parse_context_key(std::string_view text);

}  // namespace bemi::change
