// SPDX-License-Identifier: LGPL-3.0-or-later
//
// Worker: keeps one source flowing into the history, through every error that passes by itself.
#pragma once

#include <functional>

#include "pipeline/settings.hpp"
#include "worker/report.hpp"

namespace bemi::worker {

// Runs `attempt` until it does something else than failing for a reason that passes by itself.
// Waits longer and longer in between; returns without an error when `stop` is triggered.
base::Status keep_trying(const std::function<base::Status()>& attempt, const base::Interrupt& stop,
                         const Report& report);

// Returns when settings.stop is triggered (no error) or when a person must act (the error).
base::Status run_worker(const pipeline::Settings& settings);

}  // namespace bemi::worker
