// SPDX-License-Identifier: LGPL-3.0-or-later
//
// Running another program: in a session of its own, so that a Ctrl-C at our terminal is ours to
// pass on, and as an unprivileged user when we are root (PostgreSQL refuses root).
#pragma once

#include <sys/types.h>

#include <optional>
#include <string>
#include <vector>

#include "base/result.hpp"

namespace bemi::host {

struct User {
  uid_t uid;
  gid_t gid;
};

// The user to run a server as: nullopt when we are not root, else postgres or nobody.
std::optional<User> server_user();

struct Command {
  std::vector<std::string> words;  // the program's path first
  std::string log;                 // stdout and stderr are appended here
  std::optional<User> user;
};

base::Result<pid_t> spawn(const Command& command);
// Runs it to its end; an error when its exit status is not 0.
base::Status run_to_end(const Command& command);

}  // namespace bemi::host
