// SPDX-License-Identifier: LGPL-3.0-or-later
#include "base/csv.hpp"

#include <algorithm>
#include <array>
#include <charconv>

namespace bemi::base {
namespace {

// The last four are the wide forms of the first, which Asian editions take for the same.
constexpr std::array<std::string_view, 11> formula_starts{
    "=",           "+", "-", "@", "\t", "\r", "\n", "\xef\xbc\x9d", "\xef\xbc\x8b", "\xef\xbc\x8d",
    "\xef\xbc\xa0"};

bool is_negative_number(std::string_view text) {
  double value = 0;
  if (text.size() < 2 || text[0] != '-' || (text[1] != '.' && (text[1] < '0' || text[1] > '9'))) {
    return false;
  }
  auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  return error != std::errc::invalid_argument && end == text.data() + text.size();
}

bool is_formula(std::string_view text) {
  return std::ranges::any_of(formula_starts, [&](auto start) { return text.starts_with(start); }) &&
         !is_negative_number(text);
}

}  // namespace

std::string csv_field(std::string_view text) {
  if (text.find_first_of(",\"\r\n") == std::string_view::npos && !text.empty()) {
    return std::string(text);
  }
  std::string quoted = "\"";
  for (char c : text) quoted += c == '"' ? std::string("\"\"") : std::string(1, c);
  return quoted + '"';
}

std::string csv_text(std::string_view text) {
  return is_formula(text) ? csv_field("'" + std::string(text)) : csv_field(text);
}

}  // namespace bemi::base
