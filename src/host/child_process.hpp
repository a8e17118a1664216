// SPDX-License-Identifier: LGPL-3.0-or-later
//
// Running another program with a log of its own, and as an unprivileged user when we are root
// (PostgreSQL refuses root).
#pragma once

#include <sys/types.h>

#include <optional>
#include <string>
#include <vector>

#include "base/process.hpp"
#include "base/result.hpp"

namespace bemi::host {

// The user to run a server as: nullopt when we are not root, else postgres or nobody.
std::optional<base::User> server_user();

struct Command {
  std::vector<std::string> words;  // the program's path first
  std::string log;                 // stdout and stderr are appended here
  std::optional<base::User> user;
};

base::Result<pid_t> spawn(const Command& command);
// Runs it to its end; an error when its exit status is not 0.
base::Status run_to_end(const Command& command);

}  // namespace bemi::host
