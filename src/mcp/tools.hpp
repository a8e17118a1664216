// SPDX-License-Identifier: LGPL-3.0-or-later
//
// The tools that a model is offered, and the command that answers each call. A tool is a command of
// this program: it has the same rights, the same limits and the same errors.
#pragma once

#include <string>
#include <vector>

#include <nlohmann/json_fwd.hpp>

#include "base/result.hpp"

namespace bemi::mcp {

// The tools as `tools/list` has them, a JSON array. `may_undo`: with the one that writes.
nlohmann::ordered_json described_tools(bool may_undo);

// The words behind the program's name. Error of kind usage: no such tool, an argument that the tool
// does not have, one that is missing or of another type.
base::Result<std::vector<std::string>> command_of(const std::string& tool,
                                                  const nlohmann::ordered_json& arguments,
                                                  bool may_undo);

}  // namespace bemi::mcp
