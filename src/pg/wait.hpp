// SPDX-License-Identifier: LGPL-3.0-or-later
//
// The only place that waits for a socket.
#pragma once

#include <chrono>
#include <optional>

#include "base/interrupt.hpp"
#include "base/result.hpp"

namespace bemi::pg {

enum class Ready { socket, other, timeout };

struct Wait {
  int socket = -1;
  bool for_write = false;                      // reading is always watched
  const base::Interrupt* interrupt = nullptr;  // its trigger is an error of kind interrupted
  int other_fd = -1;                           // a second descriptor to wake for, or -1
  std::optional<std::chrono::milliseconds> timeout;
};

base::Result<Ready> wait(const Wait& wait);

}  // namespace bemi::pg
