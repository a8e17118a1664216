// SPDX-License-Identifier: LGPL-3.0-or-later
//
// Rules of tables: what is undone is what was written, not what a rule would make of it, so that
// they are off meanwhile. Only a table's owner may do that.
#pragma once

#include <string>

#include "revert/plan.hpp"
#include "revert/stage.hpp"

namespace bemi::revert {

// "soft, noted"; empty: there are none.
std::string rule_names(const LiveTable& live);
// The same statements for a script.
std::string rules_sql(const Stage& stage, bool on);
base::Status switch_rules(pg::Connection& source, const Stage& stage, bool on);
// The conflict of a table whose rules only its owner may disable.
Conflict rules_in_the_way(const LiveTable& live);

}  // namespace bemi::revert
