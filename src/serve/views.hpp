// SPDX-License-Identifier: LGPL-3.0-or-later
//
// Views: addresses within the dashboard that somebody kept under a name, in `_bemi.saved_view`.
// Each person has their own; shared ones are everybody's to see. Safe for many threads.
#pragma once

#include <string>

#include "query/destination.hpp"

namespace bemi::serve {

struct View {
  std::string owner;
  std::string name;
  std::string address;
  bool is_shared = false;
};

class Views {
 public:
  explicit Views(query::Destination& destination) : destination_(&destination) {}

  // [{"name", "address", "owner", "shared", "own"}]: theirs and the shared ones.
  base::Result<std::string> list(const std::string& owner);
  // Makes or changes one. Errors: usage (a name or an address that will not do), limit.
  base::Status set(const View& view);
  // False: the owner has none of this name.
  base::Result<bool> remove(const std::string& owner, const std::string& name);

 private:
  query::Destination* destination_;
};

}  // namespace bemi::serve
