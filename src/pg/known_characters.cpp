// SPDX-License-Identifier: LGPL-3.0-or-later
#include "pg/known_characters.hpp"

#include <map>
#include <mutex>

#include "pg/connection.hpp"
#include "pg/sql.hpp"

namespace bemi::pg {
namespace {

constexpr std::uint32_t first_digit = 0x80;

}  // namespace

base::Result<std::shared_ptr<const KnownCharacters>> KnownCharacters::of(Connection& connection) {
  static std::mutex mutex;
  static std::map<std::string, std::shared_ptr<const KnownCharacters>> known;
  std::string encoding = connection.server_encoding();
  if (encoding == "UTF8" || encoding == "SQL_ASCII")
    return std::make_shared<const KnownCharacters>();
  std::string place = connection.host() + "/" + connection.database() + "/" + encoding;
  {
    std::scoped_lock lock(mutex);
    if (auto found = known.find(place); found != known.end()) return found->second;
  }
  TRY_ASSIGN(Rows digits, connection.run(sql::known_characters));
  auto characters = std::make_shared<const KnownCharacters>(digits.text(0, 0));
  std::scoped_lock lock(mutex);
  return known.emplace(place, std::move(characters)).first->second;
}

bool KnownCharacters::has(std::uint32_t point) const {
  if (has_all_ || point < first_digit) return true;
  std::size_t at = point - first_digit;
  return at < digits_.size() && digits_[at] == '1';
}

}  // namespace bemi::pg
