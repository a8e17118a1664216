// SPDX-License-Identifier: LGPL-3.0-or-later
#include "change/application_schema.hpp"

#include <algorithm>
#include <array>

namespace bemi::change {
namespace {

constexpr std::string_view server_prefix = "pg_";
constexpr std::array<std::string_view, 4> not_the_applications = {"information_schema", "_bemi",
                                                                  "_bemi_setup", "_bemi_source"};

}  // namespace

bool is_application_schema(std::string_view schema) {
  return !schema.starts_with(server_prefix) &&
         std::ranges::find(not_the_applications, schema) == not_the_applications.end();
}

std::string application_schema(std::string_view name) {
  std::string names;
  for (std::string_view one : not_the_applications) {
    names.append(names.empty() ? "'" : ", '").append(one).append("'");
  }
  return std::string("(")
      .append(name)
      .append(" !~ '^")
      .append(server_prefix)
      .append("' and ")
      .append(name)
      .append(" not in (")
      .append(names)
      .append("))");
}

}  // namespace bemi::change
