// SPDX-License-Identifier: LGPL-3.0-or-later
//
// An empty word on the command line is a script's variable that was not set. Taken for "not given",
// it would make a command act on another database, or on all rows.
#pragma once

#include <string>
#include <vector>

#include "base/result.hpp"

namespace bemi::cli {

// `words`: the command line, with the program's name. Error of kind usage: one of them is empty,
// and is not one of the notes for people.
base::Status refuse_empty_words(const std::vector<std::string>& words);

}  // namespace bemi::cli
