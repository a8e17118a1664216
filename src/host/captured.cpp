// SPDX-License-Identifier: LGPL-3.0-or-later
#include "host/captured.hpp"

#include <fcntl.h>
#include <poll.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <csignal>
#include <cstring>
#include <string_view>
#include <utility>

extern char** environ;

namespace bemi::host {
namespace {

using Clock = std::chrono::steady_clock;

// Closed when it goes out of scope.
class End {
 public:
  explicit End(int number) : number_(number) {}
  End(End&& other) noexcept : number_(std::exchange(other.number_, -1)) {}
  End& operator=(End&&) = delete;
  ~End() { close(); }
  [[nodiscard]] int get() const { return number_; }
  void close() {
    if (number_ >= 0) ::close(std::exchange(number_, -1));
  }

 private:
  int number_;
};

struct Ends {
  End read;
  End write;

  static base::Result<Ends> open() {
    std::array<int, 2> ends{};
    if (pipe2(ends.data(), O_CLOEXEC) != 0)
      return base::fail(base::ErrorKind::internal, std::string("no pipe: ") + std::strerror(errno));
    return Ends{End(ends[0]), End(ends[1])};
  }
};

std::vector<char*> pointers(std::vector<std::string>& texts) {
  std::vector<char*> found;
  found.reserve(texts.size() + 1);
  for (std::string& text : texts) found.push_back(text.data());
  found.push_back(nullptr);
  return found;
}

std::string_view name_of(std::string_view variable) {
  return variable.substr(0, variable.find('='));
}

std::vector<std::string> environment_with(const std::vector<std::string>& more) {
  std::vector<std::string> all = more;
  for (char** variable = environ; *variable != nullptr; ++variable) {
    bool is_given = false;
    for (const std::string& one : more) is_given = is_given || name_of(one) == name_of(*variable);
    if (!is_given) all.emplace_back(*variable);
  }
  return all;
}

// Between fork and exec: only calls that are safe there.
[[noreturn]] void become(char* const* words, char* const* variables, int out, int error) {
  setsid();
  prctl(PR_SET_PDEATHSIG, SIGKILL);
  int null = open("/dev/null", O_RDONLY | O_CLOEXEC);
  if (null >= 0) dup2(null, STDIN_FILENO);
  dup2(out, STDOUT_FILENO);
  dup2(error, STDERR_FILENO);
  sigset_t none;
  sigemptyset(&none);
  sigprocmask(SIG_SETMASK, &none, nullptr);
  execve(words[0], words, variables);
  _exit(127);  // lint-ok: a child that could not begin has nobody to return to
}

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
  TRY_ASSIGN(Ends out, Ends::open());
  TRY_ASSIGN(Ends error, Ends::open());
  std::vector<std::string> texts = words;
  std::vector<std::string> variables = environment_with(environment);
  std::vector<char*> argv = pointers(texts);
  std::vector<char*> envp = pointers(variables);
  pid_t pid = fork();
  if (pid == 0) become(argv.data(), envp.data(), out.write.get(), error.write.get());
  if (pid < 0) {
    return base::fail(base::ErrorKind::internal,
                      "cannot start " + words[0] + ": " + std::strerror(errno));
  }
  out.write.close();
  error.write.close();
  Captured captured;
  base::Status done = read_both(out.read.get(), error.read.get(), captured, bounds, stop);
  if (!done) kill(-pid, SIGKILL);
  int status = 0;
  while (waitpid(pid, &status, 0) < 0 && errno == EINTR) {
  }
  TRY(done);
  captured.exit_code = WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
  return captured;
}

}  // namespace bemi::host
