// SPDX-License-Identifier: LGPL-3.0-or-later
//
// A source's status as `bemi status` prints it: its health first, then each figure.
#pragma once

#include <string>

#include <nlohmann/json_fwd.hpp>

namespace bemi::cli {

// `source`: of serve::source_status. To stdout.
void print_status(const nlohmann::ordered_json& source, const std::string& format);

}  // namespace bemi::cli
