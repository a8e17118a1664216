// SPDX-License-Identifier: LGPL-3.0-or-later
#include <algorithm>
#include <cctype>

#include "base/number.hpp"
#include "query/known_names.hpp"
#include "serve/api/handlers.hpp"

namespace bemi::serve {
namespace {

base::Error wrong_parameter(std::string_view name, const std::string& what) {
  return {base::ErrorKind::usage, std::string(name) + ": " + what, "see /api/openapi.json", {}};
}

// No width can be reckoned from a time without end.
base::Result<std::optional<std::string>> time_of(const Request& request, std::string_view name) {
  auto value = given(request, name);
  if (!value) return value;
  std::string lower = *value;
  std::ranges::transform(lower, lower.begin(),
                         [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
  if (lower.contains("infinity"))
    return std::unexpected(wrong_parameter(name, "is a time with an end"));
  return value;
}

}  // namespace

std::optional<std::string> given(const Request& request, std::string_view name) {
  auto value = request.parameter(name);
  return value && value->empty() ? std::nullopt : value;
}

base::Result<std::string> required(const Request& request, std::string_view name) {
  auto value = given(request, name);
  if (!value) return std::unexpected(wrong_parameter(name, "is missing"));
  return *value;
}

bool flag_of(const Request& request, std::string_view name) {
  auto value = request.parameter(name);
  return value && *value != "false" && *value != "0";
}

base::Result<std::int64_t> number_of(const Request& request, std::string_view name,
                                     std::int64_t otherwise, std::int64_t most) {
  auto value = given(request, name);
  if (!value) return otherwise;
  auto number = base::parse_number<std::int64_t>(*value);
  if (!number || *number < 0 || *number > most) {
    return std::unexpected(wrong_parameter(name, "is a number from 0 to " + std::to_string(most)));
  }
  return *number;
}

base::Result<query::ChangeFilter> filter_of(const Request& request) {
  query::ChangeFilter filter;
  if (auto table = given(request, "table")) {
    TRY_ASSIGN(filter.table, query::parse_table_name(*table));
  }
  filter.primary_key = request.parameter("primary_key");
  if (auto operation = given(request, "operation")) {
    TRY_ASSIGN(filter.operation, query::parse_operation(*operation));
  }
  filter.context = request.parameters("context");
  filter.context_verified = given(request, "context_verified");
  filter.without_context = request.parameters("without_context");
  filter.texts = request.parameters("q");
  if (auto text = given(request, "transaction")) {
    filter.transaction = base::parse_number<std::int64_t>(*text);
    if (!filter.transaction) return std::unexpected(wrong_parameter("transaction", "is a number"));
  }
  TRY_ASSIGN(filter.since, time_of(request, "since"));
  TRY_ASSIGN(filter.until, time_of(request, "until"));
  filter.source = given(request, "source");
  return filter;
}

}  // namespace bemi::serve
