// SPDX-License-Identifier: LGPL-3.0-or-later
#include "serve/lockout.hpp"

#include <algorithm>

#include <boost/asio/ip/address.hpp>

#include "serve/limits.hpp"

namespace bemi::serve {
namespace {

namespace ip = boost::asio::ip;

constexpr std::size_t network_bytes = 8;  // a /64

// An address of IPv4 that came as one of IPv6 is the same one.
std::string counted_as(const std::string& who) {
  boost::system::error_code failed;
  ip::address address = ip::make_address(who, failed);
  if (failed || !address.is_v6()) return who;
  ip::address_v6 six = address.to_v6();
  if (six.is_v4_mapped()) return ip::make_address_v4(ip::v4_mapped, six).to_string();
  auto bytes = six.to_bytes();
  std::fill(bytes.begin() + network_bytes, bytes.end(), 0);
  return ip::address_v6(bytes).to_string() + "/64";
}

}  // namespace

bool Lockout::holds(const std::string& who, Clock::time_point now) {
  std::scoped_lock lock(mutex_);
  auto found = failures_.find(counted_as(who));
  if (found == failures_.end()) return false;
  if (now - found->second.since > login_failures_window) {
    failures_.erase(found);
    return false;
  }
  return found->second.count >= login_failures_max;
}

void Lockout::note_failure(const std::string& who, Clock::time_point now) {
  std::string name = counted_as(who);
  std::scoped_lock lock(mutex_);
  if (failures_.size() >= guessers_max && !failures_.contains(name)) make_room(now);
  Failures& failures = failures_[name];
  if (failures.count == 0 || now - failures.since > login_failures_window) failures = {0, now};
  ++failures.count;
}

void Lockout::make_room(Clock::time_point now) {
  std::erase_if(failures_,
                [&](const auto& one) { return now - one.second.since > login_failures_window; });
  if (failures_.size() < guessers_max) return;
  failures_.erase(
      std::ranges::min_element(failures_, {}, [](const auto& one) { return one.second.since; }));
}

}  // namespace bemi::serve
