// SPDX-License-Identifier: LGPL-3.0-or-later
#include "change/key_text.hpp"

#include "base/limits.hpp"
#include "base/sha256.hpp"

namespace bemi::change {
namespace {

constexpr std::string_view mark = "…sha256:";
constexpr std::size_t hash_digits = 64;
constexpr std::size_t beginning_characters = 64;

std::string hash_of(std::string_view text) { return base::hex(base::sha256({text})); }

// Whole characters of UTF-8.
std::string_view beginning(std::string_view text) {
  std::size_t characters = 0;
  std::size_t at = 0;
  while (at < text.size()) {
    bool begins = (static_cast<unsigned char>(text[at]) & 0xc0U) != 0x80U;
    if (begins && characters++ == beginning_characters) break;
    ++at;
  }
  return text.substr(0, at);
}

bool looks_like_name(std::string_view text) {
  if (text.ends_with("\"]")) text.remove_suffix(2);
  if (text.size() < mark.size() + hash_digits) return false;
  std::string_view end = text.substr(text.size() - mark.size() - hash_digits);
  return end.starts_with(mark) &&
         end.substr(mark.size()).find_first_not_of("0123456789abcdef") == std::string_view::npos;
}

bool needs_name(std::string_view text) {
  return text.size() > base::limits::key_bytes_max || looks_like_name(text);
}

}  // namespace

std::string key_name(std::string text) {
  if (!needs_name(text)) [[likely]]
    return text;
  return std::string(beginning(text)).append(mark) + hash_of(text);
}

std::string key_list_name(std::string text) {
  if (!needs_name(text)) [[likely]]
    return text;
  return std::string("[\"").append(mark) + hash_of(text) + "\"]";
}

std::string asked_key_name(std::string text) {
  if (text.size() <= base::limits::key_bytes_max) return text;
  // A list of one has a plain key: as many columns, as many texts.
  bool list = text.starts_with("[\"") && text.ends_with("\"]");
  return list ? key_list_name(std::move(text)) : key_name(std::move(text));
}

}  // namespace bemi::change
