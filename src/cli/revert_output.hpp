// SPDX-License-Identifier: LGPL-3.0-or-later
//
// A plan for a person at a terminal.
#pragma once

#include <string>

#include "revert/plan.hpp"

namespace bemi::cli {

// `deed`: what the plan does to the changes.
std::string render_plan(const revert::Plan& plan, bool colour, const char* deed = "Undo");

}  // namespace bemi::cli
