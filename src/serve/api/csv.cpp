// SPDX-License-Identifier: LGPL-3.0-or-later
#include "serve/api/csv.hpp"

#include <algorithm>
#include <utility>

#include <nlohmann/json.hpp>

#include "base/csv.hpp"
#include "base/json.hpp"
#include "change/change_columns.hpp"

namespace bemi::serve {
namespace {

// A string without its quotes, null as nothing at all, anything else as it is written.
std::string plain(std::string_view json_value) {
  if (json_value == "null") return "";
  if (!json_value.starts_with('"')) return base::csv_field(json_value);
  auto text = nlohmann::json::parse(json_value, nullptr, /*allow_exceptions=*/false);
  if (!text.is_string()) return base::csv_field(json_value);
  return base::csv_text(text.get<std::string>());
}

}  // namespace

std::string csv_header() {
  std::string line;
  for (const change::ChangeColumn& column : change::change_columns) {
    line.append(line.empty() ? "" : ",").append(column.name);
  }
  return line + "\r\n";
}

std::string csv_line(const std::string& change) {
  base::JsonMembers members = base::json_members(change);
  std::string line;
  bool first = true;
  for (const change::ChangeColumn& column : change::change_columns) {
    if (!std::exchange(first, false)) line += ',';
    auto found = members.find('"' + std::string(column.name) + '"');
    if (found != members.end()) line += plain(found->second);
  }
  return line + "\r\n";
}

std::string one_line(std::string json) {
  std::ranges::replace(json, '\n', ' ');
  std::ranges::replace(json, '\r', ' ');
  return json;
}

}  // namespace bemi::serve
