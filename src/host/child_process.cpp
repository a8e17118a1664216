// SPDX-License-Identifier: LGPL-3.0-or-later
#include "host/child_process.hpp"

#include <fcntl.h>
#include <pwd.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <cstring>

namespace bemi::host {

std::optional<base::User> server_user() {
  if (geteuid() != 0) return std::nullopt;
  const passwd* entry = getpwnam("postgres");
  if (entry == nullptr) entry = getpwnam("nobody");
  if (entry == nullptr) return std::nullopt;
  return base::User{entry->pw_uid, entry->pw_gid};
}

base::Result<pid_t> spawn(const Command& command) {
  base::Descriptor log(open(command.log.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600));
  if (log.get() < 0) {
    return base::fail(base::ErrorKind::internal,
                      "cannot write " + command.log + ": " + std::strerror(errno));
  }
  return base::spawn({.words = command.words,
                      .environment = base::environment_with({}),
                      .out = log.get(),
                      .error = log.get(),
                      .user = command.user,
                      .death_signal = SIGINT});
}

base::Status run_to_end(const Command& command) {
  TRY_ASSIGN(pid_t pid, spawn(command));
  if (base::exit_code_of(pid) == 0) return {};
  return base::fail(base::ErrorKind::internal, command.words[0] + " failed", "see " + command.log);
}

}  // namespace bemi::host
