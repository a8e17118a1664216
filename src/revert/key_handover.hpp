// SPDX-License-Identifier: LGPL-3.0-or-later
//
// Slots: keys that one row of the plan gives up and another one takes. Where other tables refer to
// them with an action (ON DELETE CASCADE, ...), such a key must not go and come back in between, or
// the action would strike those who refer to it afterwards. So the row under the key stays, and
// gets the other one's values.
#pragma once

#include "revert/execution.hpp"
#include "revert/stage.hpp"

namespace bemi::revert {

// Changes _bemi_state, for the execution only.
base::Status hand_over_keys(pg::Connection& source, Stage& stage, const Execution& execution);

}  // namespace bemi::revert
