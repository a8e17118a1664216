// SPDX-License-Identifier: LGPL-3.0-or-later
#include "serve/passwords.hpp"

#include <sodium.h>

#include <array>
#include <mutex>

#include "base/assert.hpp"

namespace bemi::serve {
namespace {

std::mutex& one_at_a_time() {
  static std::mutex mutex;
  return mutex;
}

std::string hashed(const std::string& password) {
  std::array<char, crypto_pwhash_STRBYTES> text{};
  int done =
      crypto_pwhash_str(text.data(), password.data(), password.size(),
                        crypto_pwhash_OPSLIMIT_INTERACTIVE, crypto_pwhash_MEMLIMIT_INTERACTIVE);
  ASSERT(done == 0);  // Fails for want of 64 MB alone.
  return {text.data()};
}

// A hash that no password has.
const std::string& nobodys_hash() {
  static const std::string hash = [] {
    std::string password(32, '\0');
    randombytes_buf(password.data(), password.size());
    return hashed(password);
  }();
  return hash;
}

}  // namespace

std::string password_hash(const std::string& password) {
  std::scoped_lock lock(one_at_a_time());
  return hashed(password);
}

bool is_password(const std::optional<std::string>& hash, const std::string& password) {
  std::scoped_lock lock(one_at_a_time());
  const std::string& compared = hash ? *hash : nobodys_hash();
  bool is_same = password.size() <= password_bytes_max &&
                 crypto_pwhash_str_verify(compared.c_str(), password.data(), password.size()) == 0;
  return is_same && hash.has_value();
}

}  // namespace bemi::serve
