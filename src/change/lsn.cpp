// SPDX-License-Identifier: LGPL-3.0-or-later
#include "change/lsn.hpp"

#include <charconv>

#include <fmt/format.h>

namespace bemi::change {
namespace {

bool parse_hex(std::string_view text, std::uint32_t& value) {
  if (text.empty() || text.size() > 8) return false;
  auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value, 16);
  return error == std::errc{} && end == text.data() + text.size();
}

}  // namespace

std::string format(Lsn lsn) {
  return fmt::format("{:X}/{:X}", lsn.value >> 32, lsn.value & 0xffffffffU);
}

std::optional<Lsn> parse_lsn(std::string_view text) {
  std::size_t slash = text.find('/');
  std::uint32_t high = 0;
  std::uint32_t low = 0;
  if (slash == std::string_view::npos || !parse_hex(text.substr(0, slash), high) ||
      !parse_hex(text.substr(slash + 1), low)) {
    return std::nullopt;
  }
  return Lsn{(std::uint64_t{high} << 32) | low};
}

}  // namespace bemi::change
