// SPDX-License-Identifier: LGPL-3.0-or-later
//
// Redo: a revert is a transaction like any other, so that undoing it does again what it undid.
#pragma once

#include <cstdint>

#include "revert/revert.hpp"

namespace bemi::revert {

// The newest revert's transaction that was not itself undone since.
base::Result<std::int64_t> last_revert(const Ends& ends);

}  // namespace bemi::revert
