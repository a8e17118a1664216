// SPDX-License-Identifier: LGPL-3.0-or-later
//
// LiveRows: a source's current rows, from which a walk back can start if the history alone does not
// know everything. `serve` talks to no source; `host` supplies an implementation that does.
#pragma once

#include <memory>
#include <string>

#include "query/walk_back.hpp"

namespace bemi::serve {

class LiveRows {
 public:
  virtual ~LiveRows() = default;
  // `source`: its name in the history, which must outlive what is returned. Error: this program
  // knows none of that name, or cannot reach it. Called from many threads.
  virtual base::Result<std::unique_ptr<query::LiveSide>> open(pg::Connection& history,
                                                              const std::string& source) = 0;
};

}  // namespace bemi::serve
