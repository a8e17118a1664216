// SPDX-License-Identifier: LGPL-3.0-or-later
//
// ASSERT: an invariant whose breach is a bug of ours, checked in release too: a wrong audit trail
// is worse than a stopped one. Never for anything that input can cause.
#pragma once

#include <cstdio>
#include <cstdlib>

#define ASSERT(condition)                                                               \
  do {                                                                                  \
    if (!(condition)) [[unlikely]] {                                                    \
      std::fprintf(stderr, "bemi: invariant broken at %s:%d: %s\n", __FILE__, __LINE__, \
                   #condition);                                                         \
      std::abort();                                                                     \
    }                                                                                   \
  } while (false)
