// SPDX-License-Identifier: LGPL-3.0-or-later
//
// Registry: the sources that are to be tracked from here, in `_bemi.managed_source` of the
// destination. Addresses are sealed. Each call has a connection of its own: safe for many threads.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "base/interrupt.hpp"
#include "change/tracking_options.hpp"
#include "pg/connection.hpp"
#include "secret/box.hpp"

namespace bemi::supervise {

struct Source {
  std::string name;
  std::string url;
  std::string revert_url;         // a role that may write, for undoing; empty: none
  std::string place;              // "shop at db.example.org", to be shown
  std::string destination_url;    // empty: the registry's own
  std::string destination_place;  // as `place`
  change::TrackingOptions tracking;
  bool is_paused = false;
  int revision = 1;
  std::string created_by;
  std::string created_at;
};

// Error of kind usage if the source is not acceptable.
base::Status validate(const Source& source);

class Registry {
 public:
  // `stop` outlives it.
  Registry(std::string destination_url, secret::Box box, const base::Interrupt& stop)
      : url_(std::move(destination_url)), box_(box), stop_(&stop) {}

  base::Result<std::vector<Source>> all();
  base::Result<std::optional<Source>> one(const std::string& name);
  // Makes it, or changes the one of this name.
  base::Status set(const Source& source);
  // False: there is none of this name.
  base::Result<bool> set_paused(const std::string& name, bool is_paused);
  base::Result<bool> remove(const std::string& name);

  [[nodiscard]] const std::string& destination_url() const { return url_; }

 private:
  base::Result<pg::Connection> open();
  base::Result<Source> read(const pg::Rows& rows, int row);

  std::string url_;
  secret::Box box_;
  const base::Interrupt* stop_;
};

}  // namespace bemi::supervise
