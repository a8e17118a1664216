// SPDX-License-Identifier: LGPL-3.0-or-later
//
// A filter as JSON: its fields are those of a feed's address, so that there is one way to read
// them; and `ids`.
#pragma once

#include <string_view>

#include <nlohmann/json.hpp>

#include "query/change_filter.hpp"

namespace bemi::serve {

base::Result<query::ChangeFilter> filter_of_json(const nlohmann::ordered_json& filter);
base::Result<query::ChangeFilter> filter_of_text(std::string_view text);

}  // namespace bemi::serve
