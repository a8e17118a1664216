// SPDX-License-Identifier: LGPL-3.0-or-later
//
// bemi.toml: key = value, the keys named as the command's flags are. It speaks last: only for
// options that neither a flag nor the environment set.
#pragma once

#include <string>

#include "base/result.hpp"

namespace CLI {
class App;
class Option;
}  // namespace CLI

namespace cli {

// `path` empty: ./bemi.toml if it is there. Keys of other commands' options are passed over;
// `known` (the whole program) tells them from mistakes.
base::Status apply_toml(CLI::App& command, const CLI::App& known, const std::string& path);

// A command's option by its flag without the dashes, also in its groups; null when there is none.
CLI::Option* find_option(CLI::App& command, const std::string& key);

}  // namespace cli
