// SPDX-License-Identifier: LGPL-3.0-or-later
//
// Reads what a context message says of itself in its reserved key: its scope, and, when it claims
// to be signed, by whom and for what. Pure; whether that is true is judged by ContextVerifier. The
// bytes that are signed: contracts/context-message.schema.json, examples in
// contracts/examples/context.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "base/clock.hpp"

namespace bemi::stitch {

enum class Scope : char { plain = '.', previous = 'p', next = 'n', transaction = 't' };

// What the signature binds the message to.
struct Signature {
  std::string key_id;
  std::string database;
  std::string session;
  std::int64_t number = 0;  // rises within the session
  base::Timestamp signed_at;
  std::optional<std::uint64_t> transaction_id;
  std::string signed_bytes;
  std::string mac;  // base64
};

struct ReservedMember {
  Scope scope = Scope::plain;
  bool claims_signature = false;
  std::optional<Signature> signature;  // nullopt: none, or one that is malformed
};

// `member`: the value of the reserved key, a view into `content`, which is a JSON object.
ReservedMember read_reserved(std::string_view content, std::string_view member);

// Base64 of HMAC-SHA256's 32 bytes.
inline constexpr std::size_t mac_characters = 44;

}  // namespace bemi::stitch
