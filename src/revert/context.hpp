// SPDX-License-Identifier: LGPL-3.0-or-later
//
// The context of a revert's own transaction: what it undid, who did it and why.
#pragma once

#include <string>

#include "revert/plan.hpp"
#include "revert/revert.hpp"

namespace bemi::revert {

// JSON in ASCII, which a source of any encoding takes.
std::string context_of(const Request& request, const Plan& plan);

}  // namespace bemi::revert
