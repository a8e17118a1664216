// SPDX-License-Identifier: LGPL-3.0-or-later
//
// One character of UTF-8.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string_view>

namespace bemi::base {

struct Utf8Character {
  std::size_t bytes = 0;  // 0: no character begins there
  std::uint32_t point = 0;
};

// `at` < size(). Halves of surrogates count as characters here, which they are not in a text.
inline Utf8Character utf8_at(std::string_view text, std::size_t at) {
  auto lead = static_cast<unsigned char>(text[at]);
  if (lead < 0x80) return {.bytes = 1, .point = lead};
  std::size_t bytes = lead >= 0xF0 ? 4 : lead >= 0xE0 ? 3 : 2;
  if (lead < 0xC2 || lead > 0xF4 || text.size() - at < bytes) return {};
  std::uint32_t point = lead & (0x7FU >> bytes);
  for (std::size_t i = 1; i < bytes; ++i) {
    auto next = static_cast<unsigned char>(text[at + i]);
    if ((next & 0xC0U) != 0x80) return {};
    point = (point << 6) | (next & 0x3FU);
  }
  // A longer form than the character needs.
  static constexpr std::array<std::uint32_t, 5> least{0, 0, 0x80, 0x800, 0x10000};
  if (point < least[bytes] || point > 0x10FFFF) return {};
  return {.bytes = bytes, .point = point};
}

}  // namespace bemi::base
