// SPDX-License-Identifier: LGPL-3.0-or-later
//
// SourceLiveRows: the current rows of this program's own source, for the dashboard.
#pragma once

#include <utility>

#include "host/live_side.hpp"
#include "serve/live_rows.hpp"

namespace bemi::host {

class SourceLiveRows : public serve::LiveRows {
 public:
  explicit SourceLiveRows(Config config) : config_(std::move(config)) {}

  base::Result<std::unique_ptr<query::LiveSide>> open(pg::Connection& history,
                                                      const std::string& source) override {
    return open_live_side(config_, history, source);
  }

 private:
  Config config_;
};

}  // namespace bemi::host
