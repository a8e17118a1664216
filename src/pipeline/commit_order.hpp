// SPDX-License-Identifier: LGPL-3.0-or-later
//
// CommitOrder: several threads store what comes from one queue. One of them takes from it at a
// time, and what they took is committed in the order in which it was taken.
//
//   take() ... hand_on() | one thread after the other; the first turn is taken from the beginning
//   wait_for() ... committed() | in the order of take()
#pragma once

#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <mutex>
#include <optional>

namespace bemi::pipeline {

class CommitOrder {
 public:
  using Number = std::uint64_t;
  enum class Waited { done, timeout, closed };
  static constexpr Number first = 1;

  // Waits until nobody takes. nullopt: closed.
  std::optional<Number> take() {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [&] { return closed_ || !taking_; });
    if (closed_) return std::nullopt;
    taking_ = true;
    return ++taken_;
  }
  // Somebody else takes on from here.
  void hand_on() {
    std::lock_guard lock(mutex_);
    taking_ = false;
    changed_.notify_all();
  }
  // Cancels the turn, as if it had never been taken.
  void give_back() {
    std::lock_guard lock(mutex_);
    --taken_;
    taking_ = false;
    changed_.notify_all();
  }

  // Waits until all turns before are committed.
  Waited wait_for(Number turn, std::chrono::milliseconds timeout) {
    std::unique_lock lock(mutex_);
    bool in_time =
        changed_.wait_for(lock, timeout, [&] { return closed_ || committed_ + 1 >= turn; });
    if (closed_) return Waited::closed;
    return in_time ? Waited::done : Waited::timeout;
  }
  void committed(Number turn) {
    std::lock_guard lock(mutex_);
    committed_ = turn;
    changed_.notify_all();
  }

  // Everybody stops waiting.
  void close() {
    std::lock_guard lock(mutex_);
    closed_ = true;
    changed_.notify_all();
  }

 private:
  std::mutex mutex_;
  std::condition_variable changed_;
  Number taken_ = first;
  Number committed_ = 0;
  bool taking_ = true;
  bool closed_ = false;
};

}  // namespace bemi::pipeline
