// SPDX-License-Identifier: LGPL-3.0-or-later
#include "pg/address.hpp"

#include <libpq-fe.h>

#include <algorithm>
#include <array>
#include <string_view>

namespace bemi::pg {
namespace {

constexpr std::array<std::string_view, 3> secret_parts{"password", "sslpassword",
                                                       "oauth_client_secret"};

// A secret or a file that is given as empty: libpq takes none of its environment's then.
constexpr std::array<std::string_view, 5> may_be_empty{"password", "passfile", "sslcert", "sslkey",
                                                       "sslpassword"};

bool is_given(const PQconninfoOption& option) {
  if (option.val == nullptr) return false;
  bool may_be =
      std::ranges::find(may_be_empty, std::string_view(option.keyword)) != may_be_empty.end();
  return *option.val != '\0' || may_be;
}

bool is_secret(std::string_view part) {
  return std::ranges::find(secret_parts, part) != secret_parts.end();
}

}  // namespace

base::Result<Address> parse_address(const std::string& url) {
  char* message = nullptr;
  PQconninfoOption* parsed = PQconninfoParse(url.c_str(), &message);
  if (parsed == nullptr) {
    // libpq's text repeats the URL, password and all.
    PQfreemem(message);
    return base::fail(base::ErrorKind::usage, "the connection URL is not valid",
                      "write it as postgresql://USER@HOST:PORT/DATABASE");
  }
  Address address;
  for (PQconninfoOption* option = parsed; option->keyword != nullptr; ++option) {
    if (is_given(*option)) address[option->keyword] = option->val;
  }
  PQconninfoFree(parsed);
  return address;
}

bool has_secret(const Address& address) {
  return std::ranges::any_of(address, [](const auto& part) { return is_secret(part.first); });
}

std::string as_keywords(const Address& address) {
  std::string text;
  for (const auto& [part, value] : address) {
    std::string escaped;
    for (char c : value) {
      if (c == '\'' || c == '\\') escaped.push_back('\\');
      escaped.push_back(c);
    }
    text += (text.empty() ? "" : " ") + part + "='" + escaped + "'";
  }
  return text;
}

std::string shown(Address address) {
  std::erase_if(address, [](const auto& part) { return is_secret(part.first); });
  return as_keywords(address);
}

}  // namespace bemi::pg
