// SPDX-License-Identifier: LGPL-3.0-or-later
//
// A command whose output is kept: bounded in bytes and in time.
#pragma once

#include <chrono>
#include <cstddef>
#include <string>
#include <vector>

#include "base/interrupt.hpp"
#include "base/result.hpp"

namespace bemi::host {

struct Captured {
  int exit_code = 0;
  std::string out;
  std::string error;
};

struct CaptureBounds {
  std::size_t bytes_max = 0;  // of out and of error, each
  std::chrono::seconds time_max{};
};

// `words`: the program's path first. `environment`: NAME=VALUE, beside and before our own. Errors:
// limit, if the command said more or took longer (it is killed then, and so it is when `stop` is
// triggered); internal, if it could not be started.
base::Result<Captured> capture(const std::vector<std::string>& words,
                               const std::vector<std::string>& environment,
                               const CaptureBounds& bounds, const base::Interrupt& stop);

}  // namespace bemi::host
