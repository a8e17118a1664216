// SPDX-License-Identifier: LGPL-3.0-or-later
#include "pg/wait.hpp"

#include <poll.h>

#include <array>
#include <cerrno>
#include <cstring>

namespace bemi::pg {

base::Result<Ready> wait(const Wait& wait) {
  std::array<pollfd, 3> fds{};
  fds[0] = {wait.socket, static_cast<short>(POLLIN | (wait.for_write ? POLLOUT : 0)), 0};
  fds[1] = {wait.interrupt != nullptr ? wait.interrupt->fd() : -1, POLLIN, 0};
  fds[2] = {wait.other_fd, POLLIN, 0};
  int timeout_ms = wait.timeout ? static_cast<int>(wait.timeout->count()) : -1;
  int ready = poll(fds.data(), fds.size(), timeout_ms);
  if (ready < 0 && errno != EINTR) {
    return base::fail(base::ErrorKind::internal, std::string("poll: ") + std::strerror(errno));
  }
  if (fds[1].revents != 0) return base::fail(base::ErrorKind::interrupted, "asked to stop");
  if (ready <= 0) return Ready::timeout;
  return fds[0].revents != 0 ? Ready::socket : Ready::other;
}

}  // namespace bemi::pg
