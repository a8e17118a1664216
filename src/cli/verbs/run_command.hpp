// SPDX-License-Identifier: LGPL-3.0-or-later
//
// bemi run, which bemi dev runs too.
#pragma once

#include "base/interrupt.hpp"
#include "base/result.hpp"
#include "host/config.hpp"

namespace bemi::cli {

// Returns when the worker has ended, or when `stop` is triggered.
base::Status run_command(const host::Config& config, const base::Interrupt& stop);

}  // namespace bemi::cli
