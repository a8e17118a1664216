// SPDX-License-Identifier: LGPL-3.0-or-later
//
// Lsn: a byte position in the Write-Ahead Log. Zero is "invalid", as in PostgreSQL.
// An LSN alone names no change: COPY gives many rows one LSN.
#pragma once

#include <compare>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace bemi::change {

struct Lsn {
  std::uint64_t value = 0;

  auto operator<=>(const Lsn&) const = default;
  [[nodiscard]] bool valid() const { return value != 0; }
};

std::string format(Lsn lsn);  // "16/B374D848"
std::optional<Lsn> parse_lsn(std::string_view text);

}  // namespace bemi::change
