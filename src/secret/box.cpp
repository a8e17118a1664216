// SPDX-License-Identifier: LGPL-3.0-or-later
#include "secret/box.hpp"

#include <sodium.h>

#include <vector>

#include "base/assert.hpp"

namespace bemi::secret {
namespace {

constexpr std::size_t key_bytes_min = 32;
constexpr int variant = sodium_base64_VARIANT_ORIGINAL;

const unsigned char* bytes(std::string_view text) {
  return reinterpret_cast<const unsigned char*>(text.data());
}

base::Error cannot_open() {
  return {base::ErrorKind::usage,
          "a secret was sealed with another BEMI_SECRET_KEY, or is damaged",
          "start with the key that it was stored with, or store the secret anew",
          {}};
}

}  // namespace

base::Result<Box> Box::of_key(std::string_view key) {
  ASSERT(sodium_init() >= 0);
  if (key.size() < key_bytes_min) {
    return base::fail(base::ErrorKind::usage, "BEMI_SECRET_KEY has fewer than 32 characters",
                      "make one with: openssl rand -base64 32");
  }
  Key hashed{};
  crypto_generichash(hashed.data(), hashed.size(), bytes(key), key.size(), nullptr, 0);
  return Box(hashed);
}

Box::Key Box::key_for(std::string_view purpose) const {
  Key derived{};
  crypto_generichash(derived.data(), derived.size(), bytes(purpose), purpose.size(), key_.data(),
                     key_.size());
  return derived;
}

std::string Box::seal(std::string_view purpose, std::string_view plain) const {
  std::vector<unsigned char> sealed(crypto_secretbox_NONCEBYTES + crypto_secretbox_MACBYTES +
                                    plain.size());
  randombytes_buf(sealed.data(), crypto_secretbox_NONCEBYTES);
  Key key = key_for(purpose);
  crypto_secretbox_easy(sealed.data() + crypto_secretbox_NONCEBYTES, bytes(plain), plain.size(),
                        sealed.data(), key.data());
  std::string text(sodium_base64_encoded_len(sealed.size(), variant), '\0');
  sodium_bin2base64(text.data(), text.size(), sealed.data(), sealed.size(), variant);
  text.pop_back();
  return text;
}

base::Result<std::string> Box::open(std::string_view purpose, std::string_view sealed) const {
  if (sealed.empty()) return std::unexpected(cannot_open());
  std::vector<unsigned char> raw(sealed.size());
  std::size_t size = 0;
  bool is_base64 = sodium_base642bin(raw.data(), raw.size(), sealed.data(), sealed.size(), nullptr,
                                     &size, nullptr, variant) == 0;
  constexpr std::size_t around = crypto_secretbox_NONCEBYTES + crypto_secretbox_MACBYTES;
  if (!is_base64 || size < around) return std::unexpected(cannot_open());
  std::string plain(size - around, '\0');
  Key key = key_for(purpose);
  bool is_ours =
      crypto_secretbox_open_easy(reinterpret_cast<unsigned char*>(plain.data()),
                                 raw.data() + crypto_secretbox_NONCEBYTES,
                                 size - crypto_secretbox_NONCEBYTES, raw.data(), key.data()) == 0;
  if (!is_ours) return std::unexpected(cannot_open());
  return plain;
}

base::Error no_key() {
  return {base::ErrorKind::usage,
          "there is no key to keep secrets with",
          "start with BEMI_SECRET_KEY in the environment; make one with: openssl rand -base64 32",
          {}};
}

}  // namespace bemi::secret
