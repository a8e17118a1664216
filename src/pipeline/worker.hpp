// SPDX-License-Identifier: LGPL-3.0-or-later
//
// Worker: keeps one source flowing into the history, through every error that passes by itself.
#pragma once

#include "pipeline/settings.hpp"

namespace pipeline {

// Returns when settings.stop is triggered (no error) or when a person must act (the error).
base::Status run_worker(const Settings& settings);

}  // namespace pipeline
