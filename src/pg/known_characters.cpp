// SPDX-License-Identifier: LGPL-3.0-or-later
#include "pg/known_characters.hpp"

#include "pg/asked_once.hpp"
#include "pg/sql.hpp"

namespace bemi::pg {
namespace {

constexpr std::uint32_t first_digit = 0x80;

base::Result<KnownCharacters> read_characters(Connection& connection) {
  std::string encoding = connection.server_encoding();
  if (encoding == "UTF8" || encoding == "SQL_ASCII") return KnownCharacters();
  TRY_ASSIGN(Rows digits, connection.run(sql::known_characters));
  return KnownCharacters(digits.text(0, 0));
}

}  // namespace

base::Result<std::shared_ptr<const KnownCharacters>> KnownCharacters::of(Connection& connection) {
  return asked_once<KnownCharacters>(connection, read_characters);
}

bool KnownCharacters::has(std::uint32_t point) const {
  if (has_all_ || point < first_digit) return true;
  std::size_t at = point - first_digit;
  return at < digits_.size() && digits_[at] == '1';
}

}  // namespace bemi::pg
