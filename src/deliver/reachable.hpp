// SPDX-License-Identifier: LGPL-3.0-or-later
//
// Reachable: where this server may be sent by somebody else's address. By itself to the public
// internet alone: what is behind it trusts its address, and has not asked for our requests.
#pragma once

#include <string>
#include <vector>

#include <boost/asio/ip/address.hpp>

#include "base/result.hpp"

namespace bemi::deliver {

class Reachable {
 public:
  Reachable() = default;
  // Beside the public ones: "10.1.0.0/16", "::1". Error of kind usage: that is no range.
  static base::Result<Reachable> with(const std::vector<std::string>& ranges);

  [[nodiscard]] bool may_reach(const boost::asio::ip::address& address) const;

 private:
  struct Range {
    boost::asio::ip::address_v6 first;
    int bits = 0;
  };
  static base::Result<Range> read(const std::string& text);
  static bool holds(const Range& range, const boost::asio::ip::address_v6& address);
  static bool any_holds(const std::vector<Range>& ranges,
                        const boost::asio::ip::address_v6& address);
  static std::vector<Range> all_of(const std::vector<std::string>& texts);
  static bool is_public(const boost::asio::ip::address_v6& address);

  std::vector<Range> allowed_;
};

}  // namespace bemi::deliver
