// SPDX-License-Identifier: LGPL-3.0-or-later
#include "serve/hosts.hpp"

#include <algorithm>
#include <cctype>

#include <boost/asio/ip/address.hpp>

#include "serve/problem.hpp"

namespace bemi::serve {
namespace {

namespace ip = boost::asio::ip;

constexpr int misdirected = 421;
constexpr std::size_t name_bytes_max = 253;

std::optional<ip::address> address_of(std::string_view text) {
  boost::system::error_code failed;
  auto address = ip::make_address(std::string(text), failed);
  if (failed) return std::nullopt;
  if (address.is_v6() && address.to_v6().is_v4_mapped()) {
    return ip::address(ip::make_address_v4(ip::v4_mapped, address.to_v6()));
  }
  return address;
}

bool is_of_a_name(unsigned char c) {
  return std::isalnum(c) != 0 || c == '-' || c == '_' || c == '.';
}

// In lower case, without the dot of the root; nullopt when it is neither a name nor an address.
std::optional<std::string> canonical(std::string_view host) {
  if (auto address = address_of(host)) return address->to_string();
  if (host.ends_with('.')) host.remove_suffix(1);
  bool is_name = !host.empty() && host.size() <= name_bytes_max && host.front() != '.' &&
                 std::ranges::all_of(host, is_of_a_name);
  if (!is_name) return std::nullopt;
  std::string name(host);
  std::ranges::transform(name, name.begin(),
                         [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
  return name;
}

bool is_port(std::string_view text) {
  return text.size() <= 5 && std::ranges::all_of(text, [](char c) { return c >= '0' && c <= '9'; });
}

// "name", "name:7070", "127.0.0.1:7070", "[::1]:7070": the host alone; empty when it is none.
std::string_view host_of(std::string_view authority) {
  if (authority.starts_with('[')) {
    std::size_t end = authority.find(']');
    if (end == std::string_view::npos) return {};
    std::string_view rest = authority.substr(end + 1);
    bool is_good = rest.empty() || (rest.front() == ':' && is_port(rest.substr(1)));
    std::string_view inner = authority.substr(1, end - 1);
    return is_good && inner.contains(':') ? inner : std::string_view{};
  }
  std::size_t colon = authority.find(':');
  if (colon == std::string_view::npos) return authority;
  return is_port(authority.substr(colon + 1)) ? authority.substr(0, colon) : std::string_view{};
}

std::string_view trimmed(std::string_view text) {
  while (text.starts_with(' ') || text.starts_with('\t')) text.remove_prefix(1);
  while (text.ends_with(' ') || text.ends_with('\t')) text.remove_suffix(1);
  return text;
}

Response unknown_name(std::string_view name) {
  constexpr std::size_t shown_max = 100;
  return problem(misdirected,
                 "this server is not known as " + std::string(name.substr(0, shown_max)),
                 "ask it by the address that it listens on; a name of its own is given with "
                 "--http-host NAME (BEMI_HTTP_HOST)");
}

}  // namespace

base::Result<Hosts> Hosts::with(const std::string& address, const std::vector<std::string>& names) {
  Hosts hosts;
  hosts.known_.insert("localhost");
  if (auto listened = address_of(address)) {
    hosts.takes_any_address_ = listened->is_unspecified();
    hosts.known_.insert(listened->to_string());
  }
  for (const std::string& name : names) {
    bool is_bracketed = name.starts_with('[') && name.ends_with(']');
    auto known = canonical(is_bracketed ? host_of(name) : std::string_view(name));
    if (!known) {
      return base::fail(base::ErrorKind::usage, "not the name of a host: " + name,
                        "write it without scheme, port and path: bemi.example.com");
    }
    hosts.known_.insert(*known);
  }
  return hosts;
}

bool Hosts::knows(std::string_view authority) const {
  std::string_view host = host_of(authority);
  auto asked = canonical(host);
  if (!asked) return false;
  if (known_.contains(*asked)) return true;
  // Nobody can point an address elsewhere.
  auto address = address_of(*asked);
  return address && (takes_any_address_ || address->is_loopback());
}

std::optional<Response> Hosts::refusal(const Request& request, bool is_from_proxy) const {
  std::size_t lines = request.header_lines("host");
  // Before HTTP/1.1 there was none; no browser has spoken so for long.
  if (lines == 0 && request.is_http_1_0) return std::nullopt;
  if (lines != 1) {
    return problem(400,
                   lines == 0 ? "the header Host is missing" : "the header Host is there twice",
                   "HTTP/1.1 has it once");
  }
  if (!knows(request.header("host"))) return unknown_name(request.header("host"));
  // The nearest proxy's entry is the last one. It must be known in addition to Host: through a
  // proxy that forwards the header unchanged, a client could write anything there.
  std::string_view forwarded = request.last_header("x-forwarded-host");
  forwarded = trimmed(forwarded.substr(forwarded.rfind(',') + 1));
  if (is_from_proxy && !forwarded.empty() && !knows(forwarded)) return unknown_name(forwarded);
  return std::nullopt;
}

}  // namespace bemi::serve
