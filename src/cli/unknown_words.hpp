// SPDX-License-Identifier: LGPL-3.0-or-later
//
// Commands and flags that there are not, with the ones that may have been meant.
#pragma once

#include <string>
#include <vector>

#include "base/error.hpp"

namespace CLI {
class App;
class ParseError;
}  // namespace CLI

namespace bemi::cli {

// `bemi help`, `bemi help COMMAND` and `bemi version`, which many programs have, as flags.
void accept_other_words(std::vector<std::string>& words);

// What a parse refused, of kind usage.
base::Error refused(const CLI::App& program, const CLI::ParseError& error);

}  // namespace bemi::cli
