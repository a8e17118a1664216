// SPDX-License-Identifier: LGPL-3.0-or-later
//
// A relation's columns as JSON: as the event triggers send them (setup/event_trigger), and as
// _bemi.relation_version keeps them.
//
//   [{"name": "p", "type": "pair", "type_oid": 16400, "type_modifier": -1, "form": FORM}, ...]
//   FORM: {"oid": 23, "name": "integer", "kind": "scalar" | "vector" | "hstore"
//          | "array", "element": FORM | "composite", "attributes": [{"name": "x", "form": FORM}]}
//
// The form is what the type was then: types are altered and dropped like tables.
#pragma once

#include <string>
#include <vector>

#include <nlohmann/json_fwd.hpp>

#include "change/relation.hpp"

namespace change {

// A column without "form" has no type. Throws nlohmann::json::exception when it is not as above.
std::vector<Column> read_columns(const nlohmann::json& columns);

std::string columns_json(const Relation& relation);

}  // namespace change
