// SPDX-License-Identifier: LGPL-3.0-or-later
//
// A relation's columns as JSON: as the event triggers send them (setup/event_trigger), and as
// _bemi.relation_version keeps them.
//
//   [{"name": "p", "type": "pair", "type_oid": 16400, "type_modifier": -1, "form": FORM}, ...]
//   FORM: {"oid": 23, "name": "integer", "kind": "scalar" | "vector" | "hstore"
//          | "array", "element": FORM | "composite", "attributes": [{"name": "x", "form": FORM}]}
//
// A column that was redacted says so ("redacted": "public.users.token", the pattern): it stays so
// under another name, and what rows from before it have is not kept.
//
// The form is what the type was then: types are altered and dropped like tables.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include <nlohmann/json_fwd.hpp>

#include "base/result.hpp"
#include "change/relation.hpp"

namespace bemi::change {

// A column without "form" has no type. Error of kind malformed_message when it is not as above.
// \pre base::check_json() has bounded the text that `columns` was parsed from.
base::Result<std::vector<Column>> read_columns(const nlohmann::json& columns);
// The same of a text that somebody else may have written.
base::Result<std::vector<Column>> read_columns_text(std::string_view text);

// ["name", ...], and [oid, ...], likewise.
base::Result<std::vector<std::string>> read_names(std::string_view text);
base::Result<std::vector<Oid>> read_oids(std::string_view text);

std::string columns_json(const Relation& relation);

}  // namespace bemi::change
