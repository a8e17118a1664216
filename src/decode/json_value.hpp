// SPDX-License-Identifier: LGPL-3.0-or-later
//
// A value's PostgreSQL text as the JSON that to_jsonb gives for it. Pure.
// The text must be of the settings that DESIGN pins: TimeZone=UTC, DateStyle=ISO, bytea_output=hex.
#pragma once

#include <string>
#include <string_view>

#include "change/type.hpp"

namespace bemi::decode {

// Appends the JSON of `text` to `out`. Returns false when JSON cannot give back the exact text
// (-0, array bounds, duplicate json keys, json null, json that jsonb refuses): the caller then
// keeps the text in `exact`. What does not parse as its type says is appended as a JSON string.
bool append_json_value(std::string& out, const change::Type& type, std::string_view text);

}  // namespace bemi::decode
