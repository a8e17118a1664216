// SPDX-License-Identifier: LGPL-3.0-or-later
#include "base/interrupt.hpp"

#include <poll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <cstdint>

#include "base/assert.hpp"

namespace bemi::base {

Interrupt::Interrupt() : fd_(eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)) { ASSERT(fd_ >= 0); }

Interrupt::~Interrupt() { close(fd_); }

void Interrupt::trigger() noexcept {
  triggered_ = true;
  std::uint64_t one = 1;
  [[maybe_unused]] ssize_t written = write(fd_, &one, sizeof(one));
}

void pause(const Interrupt* interrupt, std::chrono::milliseconds time) {
  pollfd fd{interrupt == nullptr ? -1 : interrupt->fd(), POLLIN, 0};
  poll(&fd, 1, static_cast<int>(time.count()));
}

}  // namespace bemi::base
