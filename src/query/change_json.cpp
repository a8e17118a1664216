// SPDX-License-Identifier: LGPL-3.0-or-later
#include "query/change_json.hpp"

#include <array>
#include <map>

#include <fmt/format.h>

#include "change/change_columns.hpp"
#include "pg/connection.hpp"
#include "query/feed.hpp"

namespace bemi::query {
namespace {

// Stored size, compressed at most 255 times: below this, a change is small whatever it contains.
constexpr std::size_t surely_small = change_bytes_max / 256;
// Per object: tables have 1,600 columns at most, but contexts may have more keys.
constexpr int cut_keys = 2000;
constexpr int key_characters = 200;

constexpr std::array<const char*, 3> objects{"before", "after", "context"};

// One object with its large values cut.
std::string cut(std::string_view object) {
  return fmt::format(
      R"((select coalesce(jsonb_object_agg(left(key, {2}), case when octet_length(value::text) <= {1} then value
  else to_jsonb(left(value #>> '{{}}', {1}) || ' ... (' || octet_length(value::text) || ' bytes)') end), '{{}}')
  from (select * from jsonb_each({0}) limit {3}) each))",
      object, cut_value_characters, key_characters, cut_keys);
}

// Which those are: {{"column": bytes}}.
std::string cut_names(std::string_view object) {
  return fmt::format(
      R"((select coalesce(json_object_agg(left(key, {2}), octet_length(value::text)), '{{}}')
  from (select * from jsonb_each({0}) limit {3}) each where octet_length(value::text) > {1}))",
      object, cut_value_characters, key_characters, cut_keys);
}

// SQL of an object with all columns, those that are named by `instead` with another value.
std::string object_of(const std::map<std::string_view, std::string>& instead,
                      std::string_view more) {
  std::string members;
  for (const change::ChangeColumn& column : change::change_columns) {
    auto found = instead.find(column.name);
    members +=
        fmt::format("{}'{}', {}", members.empty() ? "" : ", ", column.name,
                    found == instead.end() ? pg::quote_identifier(column.name) : found->second);
  }
  return fmt::format("json_build_object({}{})", members, more);
}

std::string truncated() {
  std::string text = ", 'truncated', json_build_object(";
  for (const char* object : objects) text += fmt::format("'{0}', {1}, ", object, cut_names(object));
  return text + "'exact', octet_length(exact::text))";
}

}  // namespace

std::string weighed(const std::string& changes) {
  // `offset 0`: looked at once, not at each place where it is used.
  return fmt::format(
      R"({0} cross join lateral (select case
  when pg_column_size(before) + pg_column_size(after) + pg_column_size(context) + coalesce(pg_column_size(exact), 0) < {1}
  then false else octet_length(before::text) + octet_length(after::text) + octet_length(context::text)
    + coalesce(octet_length(exact::text), 0) > {2} end as is_large offset 0) weight)",
      changes, surely_small, change_bytes_max);
}

std::string first_changes(const std::string& table, const std::string& clause,
                          std::string_view order, std::int64_t limit) {
  return weighed(fmt::format("(select * from {}{} order by {} limit {}) c", table, clause, order,
                             limit)) +
         fmt::format(" order by {}", order);
}

std::string change_json() {
  std::map<std::string_view, std::string> shortened{{"exact", "null::json"}};
  for (const char* object : objects) shortened.emplace(object, cut(object));
  return fmt::format("case when is_large then {} else {} end", object_of(shortened, truncated()),
                     object_of({}, ""));
}

}  // namespace bemi::query
