// SPDX-License-Identifier: LGPL-3.0-or-later
#include "pipeline/created_table.hpp"

#include <nlohmann/json.hpp>

namespace pipeline {

std::optional<change::Covered> parse_created_table(std::string_view content) {
  auto json = nlohmann::json::parse(content, nullptr, /*allow_exceptions=*/false);
  if (!json.is_object()) return std::nullopt;
  auto oid = json.find("oid");
  auto schema = json.find("schema");
  auto table = json.find("table");
  bool good = oid != json.end() && oid->is_number_unsigned() && schema != json.end() &&
              schema->is_string() && table != json.end() && table->is_string();
  if (!good) return std::nullopt;
  return change::Covered{.relation = oid->get<change::Oid>(),
                         .schema = schema->get<std::string>(),
                         .table = table->get<std::string>(),
                         .whole = true};
}

}  // namespace pipeline
