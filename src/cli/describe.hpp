// SPDX-License-Identifier: LGPL-3.0-or-later
//
// The program as data, for the reference documents: `bemi --describe`, which --help does not show.
#pragma once

#include <string>

#include "base/error.hpp"

namespace CLI {
class App;
}

namespace bemi::cli {

// 2 for wrong usage, 1 for every other error.
int exit_code_of(base::ErrorKind kind);

// One JSON document: commands with their options, error kinds with exit code and HTTP status,
// metrics.
std::string described(const CLI::App& program);

}  // namespace bemi::cli
