// SPDX-License-Identifier: LGPL-3.0-or-later
//
// Counts each stage's work and waits in a session, so that one sees which one the others
// wait for. Counted by the stage's own thread a few times for each group of items, read by the
// keeper's.
#pragma once

#include <array>
#include <atomic>
#include <chrono>
#include <cstdint>
#include <string_view>

namespace bemi::pipeline {

struct StageCounters {
  std::atomic<std::int64_t> items{0};  // frames read; changes stitched or stored
  std::atomic<std::int64_t> bytes{0};
  std::atomic<std::int64_t> input_wait_us{0};   // nothing to do
  std::atomic<std::int64_t> output_wait_us{0};  // the next stage has no room; stored: the commit
};

struct Stages {
  StageCounters read;
  StageCounters stitch;
  StageCounters store;

  struct Named {
    std::string_view name;
    const StageCounters* counters;
  };
  [[nodiscard]] std::array<Named, 3> all() const {
    return {{{"read", &read}, {"stitch", &stitch}, {"store", &store}}};
  }
};

// Adds its own lifetime to the sum.
class Wait {
 public:
  explicit Wait(std::atomic<std::int64_t>& sum) : sum_(&sum) {}
  Wait(const Wait&) = delete;
  Wait& operator=(const Wait&) = delete;
  ~Wait() {
    auto took = std::chrono::steady_clock::now() - began_;
    *sum_ += std::chrono::duration_cast<std::chrono::microseconds>(took).count();
  }

 private:
  std::atomic<std::int64_t>* sum_;
  std::chrono::steady_clock::time_point began_ = std::chrono::steady_clock::now();
};

template <class Work>
auto waited(std::atomic<std::int64_t>& sum, const Work& work) {
  Wait waiting(sum);
  return work();
}

}  // namespace bemi::pipeline
