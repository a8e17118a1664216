// SPDX-License-Identifier: LGPL-3.0-or-later
#include "render/recode.hpp"

#include <algorithm>
#include <array>
#include <cstdint>

#include "base/limits.hpp"

namespace bemi::render {
namespace {

using namespace std::string_view_literals;

constexpr std::string_view prefix = "_bemi\0"sv;
constexpr std::size_t length_bytes = 4;

// 'M', in a streamed block the transaction's id, flags, a position, then the prefix. None of the
// two fits the other's bytes.
std::size_t place_of_prefix(std::string_view payload) {
  constexpr std::array<std::size_t, 2> places{10, 14};
  for (std::size_t place : places) {
    if (payload.size() > place && payload.substr(place).starts_with(prefix)) return place;
  }
  return std::string_view::npos;
}

bool is_ascii(std::string_view text) {
  return std::ranges::none_of(text, [](char c) { return static_cast<unsigned char>(c) >= 0x80; });
}

std::string hex_of(std::string_view bytes) {
  constexpr std::string_view digits = "0123456789abcdef";
  std::string hex = "\\x";
  for (char c : bytes) {
    auto byte = static_cast<unsigned char>(c);
    hex.push_back(digits[byte >> 4U]);
    hex.push_back(digits[byte & 15U]);
  }
  return hex;
}

std::string big_endian(std::uint32_t number) {
  std::string bytes;
  for (unsigned shift : {24U, 16U, 8U, 0U}) bytes.push_back(static_cast<char>(number >> shift));
  return bytes;
}

}  // namespace

ToUtf8 converter_of(pg::Connection& source) {
  std::string encoding = source.server_encoding();
  if (encoding == "UTF8" || encoding == "SQL_ASCII" || encoding.empty()) return {};
  return [&source, encoding](std::string_view bytes) -> std::optional<std::string> {
    auto converted =
        source.query("select pg_catalog.convert_from($1::bytea, $2)", {hex_of(bytes), encoding});
    if (!converted) return std::nullopt;
    return converted->text(0, 0);
  };
}

std::optional<std::string> recoded(std::string_view payload, const ToUtf8& to_utf8) {
  if (!to_utf8 || !payload.starts_with('M')) return std::nullopt;
  std::size_t place = place_of_prefix(payload);
  if (place == std::string_view::npos) return std::nullopt;
  std::size_t begin = place + prefix.size() + length_bytes;
  if (payload.size() <= begin) return std::nullopt;
  std::string_view content = payload.substr(begin);
  // A message that is too large is parked as it came.
  if (is_ascii(content) || content.size() > base::limits::context_bytes_max) return std::nullopt;
  std::optional<std::string> text = to_utf8(content);
  if (!text) return std::nullopt;
  return std::string(payload.substr(0, begin - length_bytes)) +
         big_endian(static_cast<std::uint32_t>(text->size())) + *text;
}

}  // namespace bemi::render
