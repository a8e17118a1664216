// SPDX-License-Identifier: LGPL-3.0-or-later
#include "store/archive_digest.hpp"

#include <sodium.h>

#include <array>
#include <span>

#include "base/assert.hpp"

namespace bemi::store {
namespace {

constexpr std::size_t key_bytes = 32;

const unsigned char* bytes_of(std::string_view text) {
  return reinterpret_cast<const unsigned char*>(text.data());
}

std::string hex(std::span<const unsigned char> bytes) {
  std::string text(bytes.size() * 2 + 1, '\0');
  sodium_bin2hex(text.data(), text.size(), bytes.data(), bytes.size());
  text.pop_back();
  return text;
}

}  // namespace

struct ArchiveHasher::State {
  crypto_hash_sha256_state hash{};
  crypto_auth_hmacsha256_state keyed{};
  bool has_key = false;
};

ArchiveHasher::ArchiveHasher(std::string_view key) : state_(std::make_unique<State>()) {
  ASSERT(sodium_init() >= 0);
  crypto_hash_sha256_init(&state_->hash);
  state_->has_key = !key.empty();
  if (state_->has_key) crypto_auth_hmacsha256_init(&state_->keyed, bytes_of(key), key.size());
}

ArchiveHasher::ArchiveHasher(ArchiveHasher&&) noexcept = default;
ArchiveHasher& ArchiveHasher::operator=(ArchiveHasher&&) noexcept = default;
ArchiveHasher::~ArchiveHasher() = default;

void ArchiveHasher::add(std::string_view bytes) {
  crypto_hash_sha256_update(&state_->hash, bytes_of(bytes), bytes.size());
  if (state_->has_key) crypto_auth_hmacsha256_update(&state_->keyed, bytes_of(bytes), bytes.size());
}

ArchiveDigest ArchiveHasher::finish() {
  std::array<unsigned char, crypto_hash_sha256_BYTES> hash{};
  crypto_hash_sha256_final(&state_->hash, hash.data());
  ArchiveDigest digest{.sha256 = hex(hash), .mac = {}};
  if (!state_->has_key) return digest;
  std::array<unsigned char, crypto_auth_hmacsha256_BYTES> mac{};
  crypto_auth_hmacsha256_final(&state_->keyed, mac.data());
  digest.mac = hex(mac);
  return digest;
}

base::Result<std::string> archive_key(pg::Connection& destination) {
  TRY_ASSIGN(pg::Rows there, destination.run("select key from _bemi.archive_key"));
  if (!there.empty()) return there.text(0, 0);
  ASSERT(sodium_init() >= 0);
  std::array<unsigned char, key_bytes> made{};
  randombytes_buf(made.data(), made.size());
  TRY(
      destination.query("insert into _bemi.archive_key (id, key) values (1, $1) "
                        "on conflict do nothing",
                        {hex(made)}));
  // Another one may have been quicker.
  TRY_ASSIGN(pg::Rows kept, destination.run("select key from _bemi.archive_key"));
  return kept.text(0, 0);
}

}  // namespace bemi::store
