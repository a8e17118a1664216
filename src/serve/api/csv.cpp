// SPDX-License-Identifier: LGPL-3.0-or-later
#include "serve/api/csv.hpp"

#include <algorithm>
#include <utility>

#include <nlohmann/json.hpp>

#include "base/json.hpp"
#include "change/change_columns.hpp"

namespace bemi::serve {
namespace {

std::string field(std::string_view text) {
  if (text.find_first_of(",\"\r\n") == std::string_view::npos && !text.empty()) {
    return std::string(text);
  }
  std::string quoted = "\"";
  for (char c : text) quoted += c == '"' ? std::string("\"\"") : std::string(1, c);
  return quoted + '"';
}

// Whether a spreadsheet would run the text as a formula. Numbers are harmless.
bool is_formula(std::string_view text) {
  if (text.empty() || std::string_view("=+-@\t\r").find(text.front()) == std::string_view::npos) {
    return false;
  }
  return text.find_first_not_of("0123456789.", 1) != std::string_view::npos || text.size() == 1 ||
         text.front() != '-';
}

// A string without its quotes, null as nothing at all, anything else as it is written.
std::string plain(std::string_view json_value) {
  if (json_value == "null") return "";
  if (!json_value.starts_with('"')) return field(json_value);
  auto text = nlohmann::json::parse(json_value, nullptr, /*allow_exceptions=*/false);
  if (!text.is_string()) return field(json_value);
  auto read = text.get<std::string>();
  return field(is_formula(read) ? "'" + read : read);
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
