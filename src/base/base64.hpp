// SPDX-License-Identifier: LGPL-3.0-or-later
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace bemi::base {

// The usual alphabet, with padding.
std::string base64(std::string_view bytes);
// nullopt when it is no such text.
std::optional<std::string> from_base64(std::string_view text);

}  // namespace bemi::base
