// SPDX-License-Identifier: LGPL-3.0-or-later
//
// KnownCharacters: which characters the encoding of a database has, by what its server converts.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "base/result.hpp"

namespace bemi::pg {

class Connection;

class KnownCharacters {
 public:
  // Asked of each database once in a process, which takes the server some 0.2 s for an encoding
  // other than UTF8 and SQL_ASCII. Runs a transaction: \pre none is open.
  static base::Result<std::shared_ptr<const KnownCharacters>> of(Connection& connection);

  KnownCharacters() = default;  // all of them
  // One digit for each from U+0080 on, 1: it has the character. It has none that is not named.
  explicit KnownCharacters(std::string digits) : digits_(std::move(digits)), has_all_(false) {}

  [[nodiscard]] bool has(std::uint32_t point) const;

 private:
  std::string digits_;
  bool has_all_ = true;
};

}  // namespace bemi::pg
