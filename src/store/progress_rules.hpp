// SPDX-License-Identifier: LGPL-3.0-or-later
//
// The times of stored transactions, which rise with the commits.
#pragma once

#include "store/progress.hpp"

namespace bemi::store {

// The effective time of the transaction that comes after `before`. The source's clock may step
// back; this time never does.
base::Timestamp effective_time(const Progress& before, base::Timestamp committed_at);

}  // namespace bemi::store
