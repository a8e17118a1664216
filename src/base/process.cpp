// SPDX-License-Identifier: LGPL-3.0-or-later
#include "base/process.hpp"

#include <fcntl.h>
#include <grp.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <string_view>

extern char** environ;

namespace bemi::base {
namespace {

constexpr int third_descriptor = 3;
constexpr int cannot_become_user = 126;
constexpr int cannot_begin = 127;

std::vector<char*> pointers(std::vector<std::string>& texts) {
  std::vector<char*> found;
  found.reserve(texts.size() + 1);
  for (std::string& text : texts) found.push_back(text.data());
  found.push_back(nullptr);
  return found;
}

// Out of the way of those that are put into their places.
int lifted(int descriptor) { return fcntl(descriptor, F_DUPFD_CLOEXEC, third_descriptor + 1); }

bool become_user(const User& user) {
  return setgroups(0, nullptr) == 0 && setgid(user.gid) == 0 && setuid(user.uid) == 0;
}

// Between fork and exec: only calls that are safe there.
[[noreturn]] void become(const Program& program, char* const* words, char* const* variables) {
  setsid();
  int null = lifted(open("/dev/null", O_RDWR | O_CLOEXEC));
  int out = program.out >= 0 ? lifted(program.out) : null;
  int error = program.error >= 0 ? lifted(program.error) : null;
  int third = lifted(program.third);
  dup2(null, STDIN_FILENO);
  dup2(out, STDOUT_FILENO);
  dup2(error, STDERR_FILENO);
  if (third >= 0) dup2(third, third_descriptor);
  close_range(program.third >= 0 ? third_descriptor + 1 : third_descriptor, ~0U, 0);
  if (program.user && !become_user(*program.user)) {
    _exit(cannot_become_user);  // lint-ok: as below
  }
  // After a change of user, which clears it.
  prctl(PR_SET_PDEATHSIG, program.death_signal);
  sigset_t none;
  sigemptyset(&none);
  sigprocmask(SIG_SETMASK, &none, nullptr);
  execve(words[0], words, variables);
  _exit(cannot_begin);  // lint-ok: a child that could not begin has nobody to return to
}

std::string_view name_of(std::string_view variable) {
  return variable.substr(0, variable.find('='));
}

std::unexpected<Error> failed(const std::string& what) {
  return fail(ErrorKind::internal, what + ": " + std::strerror(errno));
}

}  // namespace

void Descriptor::close() {
  if (number_ >= 0) ::close(std::exchange(number_, -1));
}

Result<Pipe> Pipe::open() {
  std::array<int, 2> ends{};
  if (pipe2(ends.data(), O_CLOEXEC) != 0) return failed("cannot make a pipe");
  return Pipe{Descriptor(ends[0]), Descriptor(ends[1])};
}

Result<pid_t> spawn(const Program& program) {
  std::vector<std::string> words = program.words;
  std::vector<std::string> variables = program.environment;
  std::vector<char*> argv = pointers(words);
  std::vector<char*> envp = pointers(variables);
  pid_t pid = fork();
  if (pid == 0) become(program, argv.data(), envp.data());
  if (pid < 0) return failed("cannot start " + program.words[0]);
  return pid;
}

std::vector<std::string> environment_with(const std::vector<std::string>& more) {
  std::vector<std::string> all = more;
  for (char** variable = environ; *variable != nullptr; ++variable) {
    bool is_given = std::ranges::any_of(
        more, [&](const std::string& one) { return name_of(one) == name_of(*variable); });
    if (!is_given) all.emplace_back(*variable);
  }
  return all;
}

int exit_code_of(pid_t pid) {
  int status = 0;
  while (waitpid(pid, &status, 0) < 0 && errno == EINTR) {
  }
  return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

}  // namespace bemi::base
