// SPDX-License-Identifier: LGPL-3.0-or-later
//
// Refusals: decides which refused messages are kept. Anybody who may connect to the source may
// write messages without end: all are counted, few are kept, and the log says it once a minute.
#pragma once

#include <array>
#include <chrono>
#include <cstdint>

#include "render/batch_builder.hpp"
#include "stitch/stitcher.hpp"

namespace bemi::render {

class Refusals {
 public:
  using Clock = std::chrono::steady_clock;
  // The number that is kept already.
  struct Kept {
    std::int64_t count = 0;
    std::int64_t bytes = 0;
  };
  // `redacts`: values are not to be kept, so neither is what may hold any.
  Refusals(Kept kept, bool redacts) : kept_(kept), redacts_(redacts) {}

  void take(stitch::Transaction& transaction, Clock::time_point now, BatchBuilder& out);

 private:
  [[nodiscard]] bool has_room(std::size_t bytes, Clock::time_point now);
  void alarm(change::MessageKind kind, std::int64_t count, const std::string& reason,
             Clock::time_point now);

  struct Alarm {
    std::int64_t unsaid = 0;
    Clock::time_point said{};
  };
  Kept kept_;
  bool redacts_;
  Kept this_hour_;
  Clock::time_point hour_began_{};
  std::array<Alarm, change::message_kinds> alarms_;
};

}  // namespace bemi::render
