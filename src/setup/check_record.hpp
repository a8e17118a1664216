// SPDX-License-Identifier: LGPL-3.0-or-later
//
// Findings that the history itself has on record.
#pragma once

#include "setup/setup.hpp"

namespace bemi::setup {

base::Result<std::vector<Finding>> check_record(pg::Connection& destination,
                                                const Settings& settings);

}  // namespace bemi::setup
