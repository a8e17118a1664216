// SPDX-License-Identifier: LGPL-3.0-or-later
//
// The options by which several verbs choose changes.
#pragma once

#include <string>
#include <vector>

#include "cli/verbs/commands.hpp"

namespace CLI {
class App;
}

namespace bemi::cli {

// `operations`: those that the verb can choose, in words.
void add_filter_options(CLI::App& command, ChangesOptions& options, const std::string& operations);
void add_context_option(CLI::App& command, std::vector<std::string>& context);

}  // namespace bemi::cli
