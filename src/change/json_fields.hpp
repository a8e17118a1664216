// SPDX-License-Identifier: LGPL-3.0-or-later
//
// Members of a JSON object that somebody else wrote, each by what it must be. A library's own
// conversions take a fraction or a negative number for an OID, and a name of any length.
#pragma once

#include <string>
#include <vector>

#include <nlohmann/json_fwd.hpp>

#include "base/result.hpp"
#include "change/type.hpp"

namespace bemi::change {

// All of these: error of kind malformed_message; the message names the member, not its value.

// A name that PostgreSQL's catalog can hold: 1 to 63 bytes, no zero character.
base::Result<std::string> name_member(const nlohmann::json& object, const char* member);
base::Result<std::string> text_member(const nlohmann::json& object, const char* member);
base::Result<std::int64_t> number_member(const nlohmann::json& object, const char* member,
                                         std::int64_t smallest, std::int64_t largest);
base::Result<Oid> oid_member(const nlohmann::json& object, const char* member);
// 0 when it is not there.
base::Result<Oid> optional_oid(const nlohmann::json& object, const char* member);
// `otherwise` when it is not there.
base::Result<bool> flag_member(const nlohmann::json& object, const char* member, bool otherwise);
// Empty when it is not there.
base::Result<std::string> optional_text(const nlohmann::json& object, const char* member);
base::Result<std::vector<std::string>> name_list(const nlohmann::json& object, const char* member);
base::Result<std::vector<Oid>> oid_list(const nlohmann::json& object, const char* member);

}  // namespace bemi::change
