// SPDX-License-Identifier: LGPL-3.0-or-later
#include "host/catch_up.hpp"

#include <algorithm>
#include <chrono>

#include <fmt/format.h>

#include "store/progress.hpp"
#include "wal/source.hpp"

namespace bemi::host {

base::Status catch_up(pg::Connection& source, pg::Connection& destination,
                      const std::string& source_name, std::chrono::milliseconds timeout,
                      const base::Interrupt* stop) {
  using Clock = std::chrono::steady_clock;
  TRY_ASSIGN(change::Lsn fence, wal::emit_fence(source));
  auto deadline = Clock::now() + timeout;
  int pause_ms = 2;
  while (stop == nullptr || !stop->triggered()) {
    TRY_ASSIGN(auto progress, store::load_progress(destination, source_name));
    if (progress && progress->state == store::SourceState::streaming &&
        progress->position > fence) {
      return {};
    }
    if (timeout > timeout.zero() && Clock::now() > deadline) {
      return base::fail(base::ErrorKind::conflict,
                        fmt::format("the history did not catch up within {:.3g} s",
                                    std::chrono::duration<double>(timeout).count()),
                        "is the worker running? see: bemi status");
    }
    base::pause(stop, std::chrono::milliseconds(pause_ms));
    pause_ms = std::min(pause_ms * 2, 50);
  }
  return base::fail(base::ErrorKind::interrupted, "stopped while waiting for the history");
}

}  // namespace bemi::host
