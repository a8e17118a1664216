// SPDX-License-Identifier: LGPL-3.0-or-later
//
// Waits until the history has all that the source committed before the call.
#pragma once

#include <chrono>
#include <string>

#include "base/interrupt.hpp"
#include "pg/connection.hpp"

namespace bemi::host {

// `timeout`: 0 waits for ever.
base::Status catch_up(pg::Connection& source, pg::Connection& destination,
                      const std::string& source_name, std::chrono::milliseconds timeout,
                      const base::Interrupt* stop = nullptr);

}  // namespace bemi::host
