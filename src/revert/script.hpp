// SPDX-License-Identifier: LGPL-3.0-or-later
//
// Script: a plan as SQL that any client can run. It brings the rows along, locks the live ones,
// stops unless each is as it was when the plan was made, and then writes what apply() would.
#pragma once

#include <iosfwd>

#include "revert/execution.hpp"
#include "revert/stage.hpp"

namespace bemi::revert {

// The stage as it is before anything is written.
base::Status write_script(pg::Connection& source, const Stage& stage, const Execution& execution,
                          const std::string& context, const Plan& plan, std::ostream& out);

}  // namespace bemi::revert
