// SPDX-License-Identifier: LGPL-3.0-or-later
//
// BoundedQueue: between two threads, bounded by bytes, in order. Items travel in groups, so that
// a lock is taken once for many of them.
#pragma once

#include <chrono>
#include <condition_variable>
#include <deque>
#include <mutex>
#include <optional>
#include <utility>
#include <vector>

#include "base/error.hpp"

namespace bemi::pipeline {

// The error that waiters get when the queue is closed.
inline base::Error closed() { return {base::ErrorKind::interrupted, "the session ended", {}, {}}; }

template <class T>
class BoundedQueue {
 public:
  using Group = std::vector<T>;
  enum class Pushed { done, full, closed };

  explicit BoundedQueue(std::size_t bytes_max) : bytes_max_(bytes_max) {}

  // Waits at most `timeout` for room. `group` is moved from only when done. A group larger than
  // the queue goes in alone.
  Pushed push_for(Group& group, std::size_t bytes, std::chrono::milliseconds timeout) {
    std::unique_lock lock(mutex_);
    room_.wait_for(lock, timeout, [&] { return closed_ || fits(bytes); });
    return put(group, bytes);
  }

  // Waits for room. False when the queue was closed.
  bool push(Group group, std::size_t bytes) {
    std::unique_lock lock(mutex_);
    room_.wait(lock, [&] { return closed_ || fits(bytes); });
    return put(group, bytes) == Pushed::done;
  }

  // The next group; an empty one when `timeout` passed; nullopt when the queue was closed.
  std::optional<Group> pop(std::chrono::milliseconds timeout) {
    std::unique_lock lock(mutex_);
    filled_.wait_for(lock, timeout, [&] { return closed_ || !groups_.empty(); });
    if (closed_) return std::nullopt;
    if (groups_.empty()) return Group{};
    auto [group, bytes] = std::move(groups_.front());
    groups_.pop_front();
    bytes_ -= bytes;
    room_.notify_one();
    return std::move(group);
  }

  // Everybody stops waiting; what is inside is thrown away.
  void close() {
    std::lock_guard lock(mutex_);
    closed_ = true;
    groups_.clear();
    filled_.notify_all();
    room_.notify_all();
  }

  [[nodiscard]] bool empty() const {
    std::lock_guard lock(mutex_);
    return groups_.empty();
  }

 private:
  [[nodiscard]] bool fits(std::size_t bytes) const {
    return groups_.empty() || bytes_ + bytes <= bytes_max_;
  }
  Pushed put(Group& group, std::size_t bytes) {
    if (closed_) return Pushed::closed;
    if (!fits(bytes)) return Pushed::full;
    groups_.emplace_back(std::move(group), bytes);
    bytes_ += bytes;
    filled_.notify_one();
    return Pushed::done;
  }

  const std::size_t bytes_max_;
  mutable std::mutex mutex_;
  std::condition_variable filled_;
  std::condition_variable room_;
  std::deque<std::pair<Group, std::size_t>> groups_;
  std::size_t bytes_ = 0;
  bool closed_ = false;
};

}  // namespace bemi::pipeline
