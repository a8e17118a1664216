// SPDX-License-Identifier: LGPL-3.0-or-later
#pragma once

#include <initializer_list>
#include <string>
#include <string_view>

namespace bemi::base {

// SHA-256 of the parts one after the other: 32 bytes.
std::string sha256(std::initializer_list<std::string_view> parts);

// Two lower-case digits a byte.
std::string hex(std::string_view bytes);
// Empty when it is no such text.
std::string from_hex(std::string_view text);

}  // namespace bemi::base
