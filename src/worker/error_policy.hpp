// SPDX-License-Identifier: LGPL-3.0-or-later
//
// Decides how the worker reacts to an error. No other place does.
#pragma once

#include "base/error.hpp"

namespace bemi::worker {

enum class Reaction {
  retry,    // connect again, with backoff, from the stored progress
  careful,  // the same, and then row by row, to find what the destination refuses and park it
  stop,     // a person must act; nothing is lost meanwhile, the source keeps its WAL
};

Reaction reaction_to(const base::Error& error);

}  // namespace bemi::worker
