// SPDX-License-Identifier: LGPL-3.0-or-later
//
// Passwords as they are kept: argon2id, made and compared one at a time, since each takes much
// memory on purpose. Safe for many threads.
#pragma once

#include <optional>
#include <string>

namespace bemi::serve {

inline constexpr std::size_t password_bytes_min = 10;
inline constexpr std::size_t password_bytes_max = 4096;

std::string password_hash(const std::string& password);
// Takes as long for a name that is not there (nullopt): nobody learns names by the clock.
bool is_password(const std::optional<std::string>& hash, const std::string& password);

}  // namespace bemi::serve
