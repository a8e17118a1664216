// SPDX-License-Identifier: LGPL-3.0-or-later
//
// query::LiveSide for the configured source.
#pragma once

#include <memory>
#include <string>

#include "host/config.hpp"
#include "query/walk_back.hpp"

namespace bemi::host {

// Opens the configured source. `history` must outlive the result. Error if the source cannot be
// reached, or is not the one that the history knows by that name.
base::Result<std::unique_ptr<query::LiveSide>> open_live_side(const Config& config,
                                                              pg::Connection& history,
                                                              const std::string& source_name);

}  // namespace bemi::host
