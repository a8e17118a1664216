// SPDX-License-Identifier: LGPL-3.0-or-later
//
// A number with its noun: "1 row", "2 rows".
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace bemi::base {

// `noun`: in the singular, of those that take an s.
inline std::string counted(std::int64_t number, std::string_view noun) {
  return std::to_string(number) + ' ' + std::string(noun) + (number == 1 ? "" : "s");
}

}  // namespace bemi::base
