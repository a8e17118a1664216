// SPDX-License-Identifier: LGPL-3.0-or-later
//
// What a transaction's signed contexts leave behind: the numbers that they have used, and what was
// wrong with them.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "base/clock.hpp"

namespace bemi::change {

// A session (a connection of an application) that signs, and its highest number.
struct ContextSession {
  std::string key_id;
  std::string session;
  std::int64_t number = 0;
  base::Timestamp signed_at;
};

// Why a signature is not believed. A new one is added to contracts/history/tables, too.
enum class SignatureFault {
  malformed,
  unknown_key,
  wrong_mac,
  expired_key,
  other_database,
  other_transaction,
  wrong_time,
  replayed
};
std::string_view name(SignatureFault fault);

struct ContextFault {
  SignatureFault fault = SignatureFault::malformed;
  std::string key_id;  // empty: of no key that is known
  std::int64_t messages = 0;
  std::uint64_t other_transaction = 0;  // which used the number before; 0: not known
};

}  // namespace bemi::change
