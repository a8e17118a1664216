// SPDX-License-Identifier: LGPL-3.0-or-later
//
// Another program as a child of ours. All that starts one goes through here: between fork and exec,
// few calls are safe.
#pragma once

#include <sys/types.h>

#include <csignal>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "base/result.hpp"

namespace bemi::base {

// Closed when it goes out of scope.
class Descriptor {
 public:
  Descriptor() = default;
  explicit Descriptor(int number) : number_(number) {}
  Descriptor(Descriptor&& other) noexcept : number_(std::exchange(other.number_, -1)) {}
  Descriptor& operator=(Descriptor&&) = delete;
  ~Descriptor() { close(); }
  [[nodiscard]] int get() const { return number_; }
  void close();

 private:
  int number_ = -1;
};

// Both ends are closed in children that are not given them.
struct Pipe {
  Descriptor read_end;
  Descriptor write_end;

  static Result<Pipe> open();
};

struct User {
  uid_t uid;
  gid_t gid;
};

struct Program {
  std::vector<std::string> words;        // its path first
  std::vector<std::string> environment;  // NAME=VALUE: all of it
  int out = -1;                          // its standard output and error; -1: nowhere
  int error = -1;
  int third = -1;  // its descriptor 3; -1: it has none
  std::optional<User> user;
  int death_signal = SIGTERM;  // what it gets if the thread that started it ends
};

// In a session of its own, so that a Ctrl-C at our terminal is ours to pass on; with no descriptor
// and no blocked signal of ours. Error of kind internal. If the program cannot begin, it ends with
// exit code 127; with 126 if it cannot become `user`.
Result<pid_t> spawn(const Program& program);

// Our own environment, with these NAME=VALUE in the place of those of the same name.
std::vector<std::string> environment_with(const std::vector<std::string>& more);

// Waits for its end: its exit code, or 128 and the signal that ended it.
int exit_code_of(pid_t pid);

}  // namespace bemi::base
