// SPDX-License-Identifier: LGPL-3.0-or-later
//
// The contents of `_bemi.parked`: what the destination has refused, for a person, or for a program
// that stores it after all. Pure.
#pragma once

#include <string>
#include <string_view>

#include "change/change.hpp"

namespace bemi::store {

// A JSON object with the change's facts.
std::string parked_content(const change::Change& change);

// The text by which PostgreSQL reads these bytes as bytea: any bytes can be parked.
std::string hex_bytea(std::string_view bytes);

}  // namespace bemi::store
