// SPDX-License-Identifier: LGPL-3.0-or-later
//
// Hosts: the names under which this server answers. A foreign page can make a browser call us as if
// we were its own site, by pointing its name to our address; but the browser then sends that name.
// Requests under any other name are refused. Immutable; safe for many threads.
#pragma once

#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.hpp"
#include "serve/http.hpp"

namespace bemi::serve {

class Hosts {
 public:
  // `address` is what is listened on; `names` are those that a proxy or a DNS has for it. Error of
  // kind usage: one is no name of a host, or has more than the name.
  static base::Result<Hosts> with(const std::string& address,
                                  const std::vector<std::string>& names);

  // `authority`: the value of a Host header. Its port does not matter.
  [[nodiscard]] bool knows(std::string_view authority) const;

  // The answer to a request by another name. `is_from_proxy`: the one that connected is trusted, so
  // that what it says it was asked by counts too.
  [[nodiscard]] std::optional<Response> refusal(const Request& request, bool is_from_proxy) const;

 private:
  std::set<std::string> known_;     // in lower case; addresses as Asio prints them
  bool takes_any_address_ = false;  // every address of this machine is listened on
};

}  // namespace bemi::serve
