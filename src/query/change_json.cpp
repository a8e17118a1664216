// SPDX-License-Identifier: LGPL-3.0-or-later
#include "query/change_json.hpp"

#include <array>

#include <fmt/format.h>

#include "query/feed.hpp"

namespace bemi::query {
namespace {

// Of what is stored, compressed as far as it goes (at most 255 times): with less, a change is small
// whatever is in it.
constexpr std::size_t surely_small = change_bytes_max / 256;
// Of one object: tables have 1,600 columns at most, but contexts may have more keys.
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

std::string object_of(std::string_view before, std::string_view after, std::string_view context,
                      std::string_view exact, std::string_view more) {
  return fmt::format(
      R"(json_build_object('id', id, 'source', source, 'database', database, 'schema', schema, )"
      R"('table', "table", 'primary_key', primary_key, 'operation', operation, 'before', {}, )"
      R"('after', {}, 'context', {}, 'committed_at', committed_at, 'effective_at', )"
      R"(effective_at, 'queued_at', queued_at, 'created_at', created_at, 'transaction_id', )"
      R"(transaction_id, 'position', position, 'epoch', epoch, 'commit_position', commit_position, )"
      R"('sequence', sequence, 'exact', {}, 'fidelity', fidelity{}))",
      before, after, context, exact, more);
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
  return fmt::format(
      "case when is_large then {} else {} end",
      object_of(cut("before"), cut("after"), cut("context"), "null::json", truncated()),
      object_of("before", "after", "context", "exact", ""));
}

}  // namespace bemi::query
