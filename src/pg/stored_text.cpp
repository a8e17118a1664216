// SPDX-License-Identifier: LGPL-3.0-or-later
#include "pg/stored_text.hpp"

#include <algorithm>
#include <utility>

#include <fmt/format.h>

#include "base/json.hpp"
#include "pg/asked_once.hpp"

namespace bemi::pg {
namespace {

constexpr std::string_view without_encoding = "SQL_ASCII";
constexpr unsigned first_upper = 0x80;
constexpr char never_in_utf8 = '\xFF';
unsigned upper_index(char byte) { return static_cast<unsigned char>(byte) - first_upper; }
bool is_upper(char byte) { return static_cast<unsigned char>(byte) >= first_upper; }

// U+F700 + byte, of 0x80 to 0xFF: EF, 9E or 9F, and the rest of the byte.
std::string in_private_use(char byte) {
  unsigned low = static_cast<unsigned char>(byte) & 0x3FU;
  unsigned high = static_cast<unsigned char>(byte) >> 6U;  // 2 or 3
  return {'\xEF', static_cast<char>(0x9CU + high), static_cast<char>(0x80U + low)};
}

// nullopt: this character does not stand for a byte.
std::optional<char> byte_of(std::string_view character) {
  if (character.size() != 3 || character[0] != '\xEF') return std::nullopt;
  unsigned high = static_cast<unsigned char>(character[1]) - 0x9CU;
  if (high != 2 && high != 3) return std::nullopt;
  return static_cast<char>(high << 6U | (static_cast<unsigned char>(character[2]) & 0x3FU));
}

// The character at `at`, or a byte that begins none; moves `at` behind it.
std::string_view next_character(std::string_view text, std::size_t& at) {
  std::size_t length = std::max<std::size_t>(base::utf8_length(text, at), 1);
  std::string_view character = text.substr(at, length);
  at += length;
  return character;
}

// What the server says of each byte, for 128 round trips.
base::Result<StoredText> read_bytes(Connection& connection) {
  std::string encoding = connection.server_encoding();
  if (encoding == without_encoding) return StoredText();
  StoredText::Upper upper;
  for (unsigned i = 0; i < upper.size(); ++i) {
    auto converted =
        connection.run(fmt::format("select pg_catalog.convert_from('\\x{:02x}'::bytea, {})",
                                   first_upper + i, quote_literal(encoding)));
    if (converted) {
      upper[i] = converted->text(0, 0);
    } else if (!converted.error().sqlstate.starts_with("22")) {
      return std::unexpected(converted.error());
    }
  }
  return StoredText(std::move(upper));
}

}  // namespace

StoredText::StoredText(Upper upper) : upper_(std::move(upper)) {
  for (unsigned i = 0; i < upper_->size(); ++i) {
    if (!(*upper_)[i].empty()) bytes_.emplace((*upper_)[i], static_cast<char>(first_upper + i));
  }
}

bool StoredText::takes_any_byte(std::string_view encoding) {
  return encoding == without_encoding ||
         std::ranges::any_of(
             std::initializer_list<std::string_view>{"LATIN", "ISO_8859_", "WIN", "KOI8"},
             [&](std::string_view family) { return encoding.starts_with(family); });
}

base::Result<std::shared_ptr<const StoredText>> StoredText::of(Connection& connection) {
  return asked_once<StoredText>(connection, read_bytes);
}

std::string_view StoredText::character(std::string_view stored, std::size_t at) const {
  if (!upper_) return stored.substr(at, base::utf8_length(stored, at));
  if (!is_upper(stored[at])) return stored.substr(at, 1);
  return (*upper_)[upper_index(stored[at])];
}

std::string StoredText::to_utf8(std::string_view stored) const {
  std::string out;
  for (std::size_t at = 0; at < stored.size();) {
    std::string_view known = character(stored, at);
    out += known.empty() ? in_private_use(stored[at]) : std::string(known);
    at += upper_ || known.empty() ? 1 : known.size();
  }
  return out;
}

std::string StoredText::value_to_utf8(std::string_view stored) const {
  if (!upper_) return std::string(stored);
  std::string out;
  out.reserve(stored.size() + stored.size() / 8);
  for (char byte : stored) {
    if (!is_upper(byte)) {
      out.push_back(byte);
    } else if (const std::string& known = (*upper_)[upper_index(byte)]; !known.empty()) {
      out += known;
    } else {
      out.append({never_in_utf8, byte});
    }
  }
  return out;
}

bool StoredText::append_stored(std::string& out, std::string_view character) const {
  if (!upper_ || !is_upper(character[0])) {
    out += character;
    return true;
  }
  auto known = bytes_.find(character);
  if (known == bytes_.end()) return false;
  out.push_back(known->second);
  return true;
}

std::optional<std::string> StoredText::from_utf8(std::string_view text) const {
  std::string out;
  for (std::size_t at = 0; at < text.size();) {
    std::string_view character = next_character(text, at);
    std::optional<char> byte = byte_of(character);
    if (byte && (!upper_ || (*upper_)[upper_index(*byte)].empty())) {
      out.push_back(*byte);
    } else if (!append_stored(out, character)) {
      return std::nullopt;
    }
  }
  return out;
}

std::optional<std::string> StoredText::value_from_utf8(std::string_view text) const {
  std::string out;
  for (std::size_t at = 0; at < text.size();) {
    std::string_view character = next_character(text, at);
    if (!append_stored(out, character)) return std::nullopt;
  }
  return out;
}

bool StoredText::is_text(std::string_view stored) const {
  if (!upper_) return base::valid_utf8(stored);
  return std::ranges::none_of(
      stored, [&](char byte) { return is_upper(byte) && (*upper_)[upper_index(byte)].empty(); });
}

}  // namespace bemi::pg
