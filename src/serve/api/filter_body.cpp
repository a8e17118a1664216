// SPDX-License-Identifier: LGPL-3.0-or-later
#include "serve/api/filter_body.hpp"

#include <algorithm>

#include "serve/api/body.hpp"
#include "serve/api/handlers.hpp"

namespace bemi::serve {

using nlohmann::ordered_json;

base::Result<query::ChangeFilter> filter_of_json(const ordered_json& filter_body) {
  if (!filter_body.is_object()) return std::unexpected(wrong("filter is no JSON object"));
  Request fields;
  query::ChangeFilter filter;
  for (const auto& [name, value] : filter_body.items()) {
    auto known = std::ranges::find(filter_parameters, name);
    if (known == filter_parameters.end() && name != "ids") {
      return std::unexpected(wrong("filter has no " + name));
    }
    ordered_json values = value.is_array() ? value : ordered_json::array({value});
    for (const ordered_json& one : values) {
      std::string text = one.is_string() ? one.get<std::string>() : one.dump();
      if (text.contains('\0')) return std::unexpected(wrong("filter." + name + " has a NUL in it"));
      if (name == "ids") {
        filter.ids.push_back(std::move(text));
      } else {
        fields.query.emplace_back(name, std::move(text));
      }
    }
  }
  std::vector<std::string> ids = std::move(filter.ids);
  TRY_ASSIGN(filter, filter_of(fields));
  filter.ids = std::move(ids);
  return filter;
}

base::Result<query::ChangeFilter> filter_of_text(std::string_view text) {
  TRY_ASSIGN(ordered_json read, read_json(text));
  return filter_of_json(read);
}

}  // namespace bemi::serve
