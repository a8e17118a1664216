// SPDX-License-Identifier: LGPL-3.0-or-later
//
// Ctrl-C and SIGTERM: one interrupt of the whole program. Every connection that a command opens
// watches it.
#pragma once

#include "base/interrupt.hpp"

namespace bemi::host {

const base::Interrupt& asked_to_stop();

// From here on the signals trigger it. A second Ctrl-C ends the program at once.
void stop_on_signals();

}  // namespace bemi::host
