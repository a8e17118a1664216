// SPDX-License-Identifier: LGPL-3.0-or-later
#include "deliver/reachable.hpp"

#include <algorithm>

#include "base/assert.hpp"
#include "base/number.hpp"

namespace bemi::deliver {

namespace ip = boost::asio::ip;

namespace {

constexpr int bits_of_v6 = 128;
constexpr int bits_before_v4 = 96;

// One form for both families: an IPv4 address is the one that is mapped into IPv6.
ip::address_v6 as_v6(const ip::address& address) {
  return address.is_v6() ? address.to_v6() : ip::make_address_v6(ip::v4_mapped, address.to_v4());
}

// The IPv4 address in the last four bytes.
ip::address_v6 embedded(const ip::address_v6& address) {
  auto bytes = address.to_bytes();
  ip::address_v4::bytes_type last{};
  std::copy(bytes.end() - 4, bytes.end(), last.begin());
  return ip::make_address_v6(ip::v4_mapped, ip::address_v4(last));
}

// IANA's registries of special addresses: what is not reachable from everywhere.
const std::vector<std::string>& special_ranges() {
  static const std::vector<std::string> ranges{
      "0.0.0.0/8",     "10.0.0.0/8",      "100.64.0.0/10",  "127.0.0.0/8",    "169.254.0.0/16",
      "172.16.0.0/12", "192.0.0.0/24",    "192.0.2.0/24",   "192.88.99.0/24", "192.168.0.0/16",
      "198.18.0.0/15", "198.51.100.0/24", "203.0.113.0/24", "224.0.0.0/4",    "240.0.0.0/4",
      "2001::/23",     "2001:db8::/32",   "2002::/16",      "3fff::/20"};
  return ranges;
}

}  // namespace

base::Result<Reachable::Range> Reachable::read(const std::string& text) {
  std::size_t slash = text.find('/');
  boost::system::error_code failed;
  auto address = ip::make_address(text.substr(0, slash), failed);
  int most = address.is_v4() ? 32 : bits_of_v6;
  auto bits = slash == std::string::npos
                  ? std::optional(most)
                  : base::parse_number<int>(std::string_view(text).substr(slash + 1));
  if (failed || !bits || *bits < 0 || *bits > most) {
    return base::fail(base::ErrorKind::usage, "not a range of addresses: " + text,
                      "write it as 10.1.0.0/16 or fd00::/8");
  }
  return Range{as_v6(address), address.is_v4() ? *bits + bits_before_v4 : *bits};
}

base::Result<Reachable> Reachable::with(const std::vector<std::string>& ranges) {
  Reachable reachable;
  for (const std::string& text : ranges) {
    TRY_ASSIGN(Range range, read(text));
    reachable.allowed_.push_back(range);
  }
  return reachable;
}

bool Reachable::holds(const Range& range, const ip::address_v6& address) {
  auto first = range.first.to_bytes();
  auto bytes = address.to_bytes();
  int left = range.bits;
  for (std::size_t i = 0; i < bytes.size() && left > 0; ++i, left -= 8) {
    int ignored = std::max(8 - left, 0);
    if ((first[i] >> ignored) != (bytes[i] >> ignored)) return false;
  }
  return true;
}

bool Reachable::any_holds(const std::vector<Range>& ranges, const ip::address_v6& address) {
  return std::ranges::any_of(ranges, [&](const Range& range) { return holds(range, address); });
}

std::vector<Reachable::Range> Reachable::all_of(const std::vector<std::string>& texts) {
  std::vector<Range> ranges;
  for (const std::string& text : texts) {
    auto range = read(text);
    ASSERT(range);
    ranges.push_back(*range);
  }
  return ranges;
}

bool Reachable::is_public(const ip::address_v6& address) {
  static const std::vector<Range> special = all_of(special_ranges());
  static const std::vector<Range> translated = all_of({"64:ff9b::/96"});
  static const std::vector<Range> global = all_of({"2000::/3"});
  if (any_holds(translated, address)) return is_public(embedded(address));
  if (!address.is_v4_mapped() && !any_holds(global, address)) return false;
  return !any_holds(special, address);
}

bool Reachable::may_reach(const ip::address& address) const {
  ip::address_v6 one = as_v6(address);
  return is_public(one) || any_holds(allowed_, one);
}

}  // namespace bemi::deliver
