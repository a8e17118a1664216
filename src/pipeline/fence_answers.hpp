// SPDX-License-Identifier: LGPL-3.0-or-later
//
// FenceAnswers: whether a fence gets a destination transaction of its own at once. Anybody may
// write fences, so that only some in each second do; the others wait until the last commit is
// commit_age_max ago. Pure: the caller says what time it is.
#pragma once

#include <chrono>

#include "base/limits.hpp"

namespace bemi::pipeline {

class FenceAnswers {
 public:
  using Clock = std::chrono::steady_clock;

  // Whether a waiting fence is answered now; `age`: the time since the last commit.
  bool is_due(Clock::time_point now, Clock::duration age) {
    if (age >= base::limits::commit_age_max) return true;
    if (now - second_began_ >= std::chrono::seconds(1)) {
      second_began_ = now;
      answered_ = 0;
    }
    return ++answered_ <= base::limits::fences_at_once_per_second_max;
  }

 private:
  Clock::time_point second_began_{};
  int answered_ = 0;  // at once, or refused, in this second
};

}  // namespace bemi::pipeline
