// SPDX-License-Identifier: LGPL-3.0-or-later
#include "decode/signature.hpp"

#include <sodium.h>

#include "base/sha256.hpp"

namespace bemi::decode {

using change::SigningKey;

std::string signature_of(const SigningKey& key, std::string_view content) {
  return base::hex(change::hmac_sha256(key, {}, content));
}

std::optional<std::string_view> verified(const SigningKey& key, std::string_view message) {
  if (message.size() < signature_length) return std::nullopt;
  std::string_view content = signed_content(message);
  std::string expected = signature_of(key, content);
  if (sodium_memcmp(expected.data(), message.data(), signature_length) != 0) return std::nullopt;
  return content;
}

std::string_view signed_content(std::string_view verified_message) {
  return verified_message.substr(signature_length);
}

}  // namespace bemi::decode
