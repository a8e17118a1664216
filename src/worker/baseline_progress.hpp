// SPDX-License-Identifier: LGPL-3.0-or-later
//
// Reports the progress of a baseline every few seconds, with an estimate of the time left.
#pragma once

#include <chrono>
#include <cstdint>
#include <string>

namespace bemi::worker {

class BaselineProgress {
 public:
  explicit BaselineProgress(std::int64_t blocks) : blocks_(blocks) {}

  void add(std::int64_t blocks, std::int64_t rows, const std::string& table);

 private:
  using Clock = std::chrono::steady_clock;
  std::int64_t blocks_;
  std::int64_t blocks_done_ = 0;
  std::int64_t rows_ = 0;
  Clock::time_point began_ = Clock::now();
  Clock::time_point told_at_ = began_;
};

}  // namespace bemi::worker
