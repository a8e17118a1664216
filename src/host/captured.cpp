// SPDX-License-Identifier: LGPL-3.0-or-later
#include "host/captured.hpp"

#include <poll.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <csignal>

#include "base/process.hpp"

namespace bemi::host {
namespace {

using Clock = std::chrono::steady_clock;

std::unexpected<base::Error> too_much(const char* what, const char* hint) {
  return base::fail(base::ErrorKind::limit, what, hint);
}

// What has come; takes a closed end out of the poll.
void take(pollfd& end, std::string& text) {
  std::array<char, 65536> piece{};
  ssize_t size = read(end.fd, piece.data(), piece.size());
  if (size < 0 && errno == EINTR) return;
  if (size <= 0) {
    end.fd = -1;
    return;
  }
  text.append(piece.data(), static_cast<std::size_t>(size));
}

base::Status read_both(int out, int error, Captured& captured, const CaptureBounds& bounds,
                       const base::Interrupt& stop) {
  auto until = Clock::now() + bounds.time_max;
  std::array<pollfd, 3> ends{{{.fd = out, .events = POLLIN, .revents = 0},
                              {.fd = error, .events = POLLIN, .revents = 0},
                              {.fd = stop.fd(), .events = POLLIN, .revents = 0}}};
  while (ends[0].fd >= 0 || ends[1].fd >= 0) {
    auto left = std::chrono::duration_cast<std::chrono::milliseconds>(until - Clock::now());
    if (left.count() <= 0) return too_much("the answer takes too long", "ask for a shorter time");
    if (poll(ends.data(), ends.size(), static_cast<int>(left.count())) < 0 && errno != EINTR) break;
    if (ends[2].revents != 0) return too_much("this server is being stopped", "");
    if (ends[0].fd >= 0 && ends[0].revents != 0) take(ends[0], captured.out);
    if (ends[1].fd >= 0 && ends[1].revents != 0) take(ends[1], captured.error);
    if (captured.out.size() > bounds.bytes_max || captured.error.size() > bounds.bytes_max)
      return too_much("the answer is too large", "ask for fewer rows, or for one record");
  }
  return {};
}

}  // namespace

base::Result<Captured> capture(const std::vector<std::string>& words,
                               const std::vector<std::string>& environment,
                               const CaptureBounds& bounds, const base::Interrupt& stop) {
  TRY_ASSIGN(base::Pipe out, base::Pipe::open());
  TRY_ASSIGN(base::Pipe error, base::Pipe::open());
  TRY_ASSIGN(pid_t pid, base::spawn({.words = words,
                                     .environment = base::environment_with(environment),
                                     .out = out.write_end.get(),
                                     .error = error.write_end.get(),
                                     .user = {},
                                     .death_signal = SIGKILL}));
  out.write_end.close();
  error.write_end.close();
  Captured captured;
  base::Status done = read_both(out.read_end.get(), error.read_end.get(), captured, bounds, stop);
  if (!done) kill(-pid, SIGKILL);
  captured.exit_code = base::exit_code_of(pid);
  TRY(done);
  return captured;
}

}  // namespace bemi::host
