// SPDX-License-Identifier: LGPL-3.0-or-later
//
// Starting the dashboard as a configuration wants it, and telling where it is.
#pragma once

#include <memory>

#include "base/interrupt.hpp"
#include "host/config.hpp"
#include "serve/server.hpp"

namespace bemi::host {

struct DashboardOptions {
  bool new_token = false;
  // A taken port is no error then: another one is.
  bool any_port = false;
  // Runs the workers of the sources that are managed here.
  bool supervises = false;
};

// Prints the address, with the token when it was made now: the one time that it is shown.
base::Result<std::unique_ptr<serve::Server>> start_dashboard(const Config& config,
                                                             const DashboardOptions& options,
                                                             const base::Interrupt& stop);

}  // namespace bemi::host
