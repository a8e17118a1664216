// SPDX-License-Identifier: LGPL-3.0-or-later
//
// Interrupt: "stop now", visible to every poll(2) of the program through a file descriptor, so
// that no wait outlives it. Set once, from any thread or from a signal handler.
#pragma once

#include <atomic>
#include <chrono>

namespace bemi::base {

class Interrupt {
 public:
  Interrupt();
  ~Interrupt();
  Interrupt(const Interrupt&) = delete;
  Interrupt& operator=(const Interrupt&) = delete;

  void trigger() noexcept;
  [[nodiscard]] bool triggered() const noexcept { return triggered_; }
  // Readable once triggered, for ever.
  [[nodiscard]] int fd() const noexcept { return fd_; }

 private:
  int fd_;
  std::atomic<bool> triggered_ = false;
};

// Lets time pass, or less when the interrupt (null: none) triggers.
void pause(const Interrupt* interrupt, std::chrono::milliseconds time);

}  // namespace bemi::base
