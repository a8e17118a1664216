// SPDX-License-Identifier: LGPL-3.0-or-later
//
// The signature of the event triggers' messages (contracts/source/2_messages.sql). Any role may
// write a message of any prefix into the WAL: only what carries this is believed.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>

#include "change/signing_key.hpp"

namespace bemi::decode {

// A message is 64 hexadecimal digits, then what they sign.
inline constexpr std::size_t signature_length = 64;

// The signed text; nullopt when the signature is not the key's.
std::optional<std::string_view> verified(const change::SigningKey& key, std::string_view message);

// The same of a message that was verified before.
std::string_view signed_content(std::string_view verified_message);

// 64 hexadecimal digits.
std::string signature_of(const change::SigningKey& key, std::string_view content);

}  // namespace bemi::decode
