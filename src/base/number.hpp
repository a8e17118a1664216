// SPDX-License-Identifier: LGPL-3.0-or-later
//
// Whole numbers from text, without exceptions and without a locale.
#pragma once

#include <charconv>
#include <optional>
#include <string_view>

namespace bemi::base {

// The whole of `text` as a decimal number; nullopt when it is none or does not fit.
template <class Int>
std::optional<Int> parse_number(std::string_view text) {
  Int value = 0;
  auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc{} || end != text.data() + text.size()) return std::nullopt;
  return value;
}

}  // namespace bemi::base
