// SPDX-License-Identifier: LGPL-3.0-or-later
//
// The event triggers that track a new table in the very transaction that makes it, and tell the
// worker what happens to a tracked one.
#pragma once

#include <vector>

#include "setup/setup.hpp"

namespace bemi::setup {

// Empty when it is there already as the settings want it, or when this role may not make one.
base::Result<std::vector<Step>> plan_event_trigger(pg::Connection& admin, const Settings& settings);

// SQL that removes them, and the schema _bemi when nothing else is in it.
std::vector<Step> drop_event_trigger();

}  // namespace bemi::setup
