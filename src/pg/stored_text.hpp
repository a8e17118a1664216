// SPDX-License-Identifier: LGPL-3.0-or-later
//
// StoredText: text as a database stores it, where that takes any byte: an encoding with one byte
// for each character (LATIN1, WIN1252, KOI8R, ...), or none (SQL_ASCII). Not every such byte is a
// character; asked for UTF-8, the server then sends nothing but an error, of a name in the catalog
// as of a value in a row. So text is taken as it is stored, and converted here, by what the server
// itself says of each byte.
#pragma once

#include <array>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "base/result.hpp"

namespace bemi::pg {

class Connection;

class StoredText {
 public:
  // The UTF-8 form of each byte from 0x80 on; empty: the byte is not a character.
  using Upper = std::array<std::string, 128>;

  // Whether the database of this encoding, by its name in PostgreSQL, stores any byte.
  static bool takes_any_byte(std::string_view encoding);
  // \pre takes_any_byte(connection.server_encoding()); the connection still speaks UTF-8.
  static base::Result<std::shared_ptr<const StoredText>> of(Connection& connection);

  StoredText() = default;  // SQL_ASCII: what is valid UTF-8 is taken for it
  explicit StoredText(Upper upper);

  // Decodes to UTF-8. A byte that is not a character becomes U+F700 plus the byte, in the private
  // use area, so that a name can be sent back unchanged.
  [[nodiscard]] std::string to_utf8(std::string_view stored) const;
  // The way back; nullopt: it holds a character that the encoding does not have.
  [[nodiscard]] std::optional<std::string> from_utf8(std::string_view text) const;
  // The same as to_utf8 for a value of a row, which must not be taken for one that it is not: with
  // a byte that is no character, the answer is not valid UTF-8.
  [[nodiscard]] std::string value_to_utf8(std::string_view stored) const;
  // The way back of a value: a character that stands for a byte in a name is itself here.
  [[nodiscard]] std::optional<std::string> value_from_utf8(std::string_view text) const;
  [[nodiscard]] bool is_text(std::string_view stored) const;  // there is no such byte in it

 private:
  // The character that begins at `at`, as UTF-8; empty: none does.
  [[nodiscard]] std::string_view character(std::string_view stored, std::size_t at) const;
  // Appends one character as it is stored; false: the encoding does not have it.
  bool append_stored(std::string& out, std::string_view character) const;

  std::optional<Upper> upper_;
  std::map<std::string, char, std::less<>> bytes_;  // by the characters of upper_
};

}  // namespace bemi::pg
