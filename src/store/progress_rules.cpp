// SPDX-License-Identifier: LGPL-3.0-or-later
#include "store/progress_rules.hpp"

#include <algorithm>

namespace bemi::store {

base::Timestamp effective_time(const Progress& before, base::Timestamp committed_at) {
  return std::max(committed_at, before.effective_at);
}

}  // namespace bemi::store
