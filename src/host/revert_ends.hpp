// SPDX-License-Identifier: LGPL-3.0-or-later
//
// RevertEnds: the connections of an undo, in the form that src/revert takes.
#pragma once

#include <memory>
#include <string>

#include "base/interrupt.hpp"
#include "host/config.hpp"
#include "host/connections.hpp"
#include "revert/revert.hpp"

namespace bemi::host {

class RevertEnds {
 public:
  // Writes to the source as the role of BEMI_REVERT_URL, when one is given.
  static base::Result<std::unique_ptr<RevertEnds>> open(const Config& config, int timeout_s,
                                                        const base::Interrupt& stop,
                                                        Access destination = Access::read_only);
  [[nodiscard]] const revert::Ends& ends() const { return *ends_; }

  // For open() alone.
  RevertEnds(pg::Connection source, pg::Connection destination)
      : source_(std::move(source)), destination_(std::move(destination)) {}

 private:
  pg::Connection source_;
  pg::Connection destination_;
  std::unique_ptr<revert::Ends> ends_;
};

// The default actor of an undo.
std::string default_actor();

}  // namespace bemi::host
