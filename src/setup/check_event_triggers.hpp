// SPDX-License-Identifier: LGPL-3.0-or-later
#pragma once

#include <vector>

#include "setup/setup.hpp"

namespace bemi::setup {

// Whether the event triggers are ours alone, fire, are believed, and what they could not tell.
base::Result<std::vector<Finding>> check_event_triggers(pg::Connection& source);

}  // namespace bemi::setup
