// SPDX-License-Identifier: LGPL-3.0-or-later
#include "pg/foreign.hpp"

#include <libpq-fe.h>

#include <algorithm>
#include <array>
#include <span>
#include <string_view>

#include "pg/address.hpp"

namespace bemi::pg {
namespace {

constexpr std::array<std::string_view, 14> may_be_foreign{"host",
                                                          "hostaddr",
                                                          "port",
                                                          "dbname",
                                                          "user",
                                                          "password",
                                                          "sslmode",
                                                          "sslsni",
                                                          "options",
                                                          "connect_timeout",
                                                          "gssencmode",
                                                          "channel_binding",
                                                          "target_session_attrs",
                                                          "application_name"};

bool is_one_of(std::span<const std::string_view> known, std::string_view keyword) {
  return std::ranges::find(known, keyword) != known.end();
}

// True if any of several hosts is a socket.
bool names_socket(std::string_view hosts) {
  return hosts.starts_with('/') || hosts.starts_with('@') || hosts.contains(",/") ||
         hosts.contains(",@");
}

base::Status says_where_to(const Address& options, bool may_be_socket) {
  if (!options.contains("user")) {
    return base::fail(base::ErrorKind::usage, "the connection URL names no role",
                      "write it as postgresql://USER@HOST:PORT/DATABASE");
  }
  auto host = options.find("host");
  bool has_address = options.contains("hostaddr");
  bool is_local = host == options.end() ? !has_address : names_socket(host->second);
  if (!is_local || (may_be_socket && host != options.end())) return {};
  return base::fail(base::ErrorKind::usage, "the connection URL names no host",
                    "sockets of this server's machine are not open from here");
}

}  // namespace

base::Result<std::string> foreign_url(const std::string& url, bool may_be_socket) {
  TRY_ASSIGN(Address options, parse_address(url));
  for (const auto& [keyword, value] : options) {
    if (is_one_of(may_be_foreign, keyword)) continue;
    return base::fail(base::ErrorKind::usage, "the connection URL may not say " + keyword,
                      "it says where to and as whom: files and services are this server's own");
  }
  TRY(says_where_to(options, may_be_socket));
  options.emplace("port", "5432");
  options.emplace("dbname", options["user"]);
  options.emplace("password", "");
  options["passfile"] = no_file;
  options["sslcert"] = no_file;
  options["sslkey"] = no_file;
  options["gssencmode"] = "disable";
  return as_keywords(options);
}

bool is_socket(const std::string& url) {
  auto options = parse_address(url);
  if (!options || options->contains("hostaddr")) return false;
  auto host = options->find("host");
  if (host != options->end()) return names_socket(host->second);
  // The environment supplies the missing host.
  PQconninfoOption* defaults = PQconndefaults();
  bool is_remote = false;
  for (PQconninfoOption* option = defaults; option && option->keyword; ++option) {
    bool names_host = std::string_view(option->keyword) == "host" && option->val != nullptr;
    if (names_host) is_remote = *option->val != '\0' && !names_socket(option->val);
  }
  PQconninfoFree(defaults);
  return !is_remote;
}

}  // namespace bemi::pg
