// SPDX-License-Identifier: LGPL-3.0-or-later
//
// Numbers for people: with their noun, "1 row", "2 rows"; or as a size, "84.1 kB".
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <string_view>

namespace bemi::base {

// `noun`: in the singular, of those that take an s.
inline std::string counted(std::int64_t number, std::string_view noun) {
  return std::to_string(number) + ' ' + std::string(noun) + (number == 1 ? "" : "s");
}

// By powers of 1,000, with one decimal beyond bytes.
inline std::string size_text(std::int64_t bytes) {
  if (bytes < 1000) return std::to_string(bytes) + " B";
  constexpr std::array units{"kB", "MB", "GB", "TB"};
  std::size_t unit = 0;
  std::int64_t scale = 1000;
  for (; unit + 1 < units.size() && bytes >= scale * 1000; ++unit) scale *= 1000;
  std::int64_t tenths = (bytes + scale / 20) / (scale / 10);
  return std::to_string(tenths / 10) + '.' + std::to_string(tenths % 10) + ' ' + units.at(unit);
}

}  // namespace bemi::base
