// SPDX-License-Identifier: LGPL-3.0-or-later
//
// An archive file's digest: SHA-256 and, with a key that the history's owner alone can
// read, HMAC-SHA256 of its bytes.
#pragma once

#include <memory>
#include <string>
#include <string_view>

#include "base/result.hpp"
#include "pg/connection.hpp"

namespace bemi::store {

struct ArchiveDigest {
  std::string sha256;  // in hex
  std::string mac;     // empty without a key
  bool operator==(const ArchiveDigest&) const = default;
};

// Hashes bytes as they come.
class ArchiveHasher {
 public:
  explicit ArchiveHasher(std::string_view key);  // empty: no mac
  ArchiveHasher(ArchiveHasher&&) noexcept;
  ArchiveHasher& operator=(ArchiveHasher&&) noexcept;
  ~ArchiveHasher();

  void add(std::string_view bytes);
  // The digest of everything that was added. Call it once.
  ArchiveDigest finish();

 private:
  struct State;
  std::unique_ptr<State> state_;
};

// The key of this history, made at the first call. Error of kind permission unless the role is the
// history's owner.
base::Result<std::string> archive_key(pg::Connection& destination);

}  // namespace bemi::store
