// SPDX-License-Identifier: LGPL-3.0-or-later
#include "host/child_process.hpp"

#include <fcntl.h>
#include <grp.h>
#include <pwd.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <cstring>

namespace bemi::host {
namespace {

// Between fork and exec: only calls that are safe there.
[[noreturn]] void become(const Command& command, char* const* words) {
  setsid();
  // Should we be killed, the server must not stay behind.
  prctl(PR_SET_PDEATHSIG, SIGINT);
  int log = open(command.log.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
  if (log >= 0) {
    dup2(log, STDOUT_FILENO);
    dup2(log, STDERR_FILENO);
  }
  int null = open("/dev/null", O_RDONLY | O_CLOEXEC);
  if (null >= 0) dup2(null, STDIN_FILENO);
  if (command.user) {
    bool dropped = setgroups(0, nullptr) == 0 && setgid(command.user->gid) == 0 &&
                   setuid(command.user->uid) == 0;
    if (!dropped) _exit(126);
    prctl(PR_SET_PDEATHSIG, SIGINT);  // a change of user clears it
  }
  sigset_t none;
  sigemptyset(&none);
  sigprocmask(SIG_SETMASK, &none, nullptr);
  execv(words[0], words);
  _exit(127);
}

}  // namespace

std::optional<User> server_user() {
  if (geteuid() != 0) return std::nullopt;
  const passwd* entry = getpwnam("postgres");
  if (entry == nullptr) entry = getpwnam("nobody");
  if (entry == nullptr) return std::nullopt;
  return User{entry->pw_uid, entry->pw_gid};
}

base::Result<pid_t> spawn(const Command& command) {
  std::vector<char*> words;
  for (const std::string& word : command.words) words.push_back(const_cast<char*>(word.c_str()));
  words.push_back(nullptr);
  pid_t pid = fork();
  if (pid == 0) become(command, words.data());
  if (pid < 0) {
    return base::fail(base::ErrorKind::internal,
                      "cannot start " + command.words[0] + ": " + std::strerror(errno));
  }
  return pid;
}

base::Status run_to_end(const Command& command) {
  TRY_ASSIGN(pid_t pid, spawn(command));
  int status = 0;
  while (waitpid(pid, &status, 0) < 0 && errno == EINTR) {
  }
  if (WIFEXITED(status) && WEXITSTATUS(status) == 0) return {};
  return base::fail(base::ErrorKind::internal, command.words[0] + " failed", "see " + command.log);
}

}  // namespace bemi::host
