// SPDX-License-Identifier: LGPL-3.0-or-later
#include "query/change_filter.hpp"

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "base/json.hpp"
#include "change/key_text.hpp"

namespace bemi::query {
namespace {

// A number keeps its digits: as a double it would be another one.
std::string object_text(const std::string& key, const std::string& json_value) {
  std::string text = "{";
  base::append_json_string(text, key);
  return text + ": " + json_value + "}";
}

// 42 is stored as a number or as a string, whichever the application passed: either matches.
base::Status add_context(Where& where, const std::string& text) {
  TRY_ASSIGN(ContextFilter filter, parse_context_filter(text));
  std::string as_text = where.bind(filter.as_text);
  if (!filter.as_scalar) {
    where.add_raw("context @> " + as_text + "::jsonb");
  } else {
    std::string as_scalar = where.bind(*filter.as_scalar);
    where.add_raw(
        fmt::format("(context @> {}::jsonb or context @> {}::jsonb)", as_text, as_scalar));
  }
  return {};
}

// A pattern for LIKE without wildcards.
std::string like_pattern(std::string_view text) {
  std::string pattern = "%";
  for (char c : text) {
    if (c == '%' || c == '_' || c == '\\') pattern += '\\';
    pattern += c;
  }
  return pattern + "%";
}

}  // namespace

base::Result<ContextFilter> parse_context_filter(const std::string& text) {
  std::size_t equals = text.find('=');
  if (equals == std::string::npos || equals == 0) {
    return base::fail(base::ErrorKind::usage, "not a context filter: " + text, "write KEY=VALUE");
  }
  std::string key = text.substr(0, equals);
  std::string value = text.substr(equals + 1);
  std::string quoted;
  base::append_json_string(quoted, value);
  ContextFilter filter{.as_text = object_text(key, quoted), .as_scalar = {}};
  auto scalar = nlohmann::json::parse(value, nullptr, /*allow_exceptions=*/false);
  bool plain = !scalar.is_discarded() && (scalar.is_number() || scalar.is_boolean());
  if (plain) filter.as_scalar = object_text(key, value);
  return filter;
}

void Where::add(std::string_view condition, std::string value) {
  add_raw(fmt::format(fmt::runtime(condition), bind(std::move(value))));
}

void Where::add_raw(const std::string& condition) {
  clause_ += (clause_.empty() ? "" : " and ") + condition;
}

std::string Where::bind(std::string value) {
  parameters_.emplace_back(std::move(value));
  return "$" + std::to_string(parameters_.size());
}

std::string Where::clause() const { return clause_.empty() ? "" : " where " + clause_; }

namespace {

base::Result<std::string> parse_verdict(const std::string& text) {
  for (const char* verdict : {"true", "false", "null"}) {
    if (text == verdict) return verdict;
  }
  return base::fail(base::ErrorKind::usage, "a context is not " + text,
                    "use true for a signature that matches, false for one that does not, or null "
                    "for none");
}

}  // namespace

base::Status add_filter(Where& where, const ChangeFilter& filter) {
  if (filter.table) {
    where.add("\"table\" = {}", filter.table->table);
    where.add("schema = {}", filter.table->schema.empty() ? "public" : filter.table->schema);
  }
  if (filter.primary_key)
    where.add("primary_key = {}", change::asked_key_name(*filter.primary_key));
  if (filter.operation) where.add("operation = {}", *filter.operation);
  if (filter.transaction) where.add("transaction_id = {}", std::to_string(*filter.transaction));
  if (filter.source) where.add("source = {}", *filter.source);
  if (filter.since) where.add("effective_at >= {}::timestamptz", *filter.since);
  if (filter.until) where.add("effective_at < {}::timestamptz", *filter.until);
  for (const std::string& text : filter.context) TRY(add_context(where, text));
  for (const std::string& key : filter.without_context) where.add("not context ? {}", key);
  if (filter.context_verified) {
    TRY_ASSIGN(std::string verdict, parse_verdict(*filter.context_verified));
    where.add_raw("context_verified is " + verdict);
  }
  for (const std::string& text : filter.texts) {
    std::string pattern = where.bind(like_pattern(text));
    where.add_raw(fmt::format(
        "(before::text ilike {0} or after::text ilike {0} or context::text ilike {0})", pattern));
  }
  if (filter.after) {
    where.add_raw(fmt::format("(epoch, commit_position) > ({}, {})", filter.after->epoch,
                              filter.after->position));
    // With that commit's time, which rises with the commits: an index begins right behind it.
    if (filter.since) {
      where.add_raw(fmt::format("(effective_at, commit_position) > ({}::timestamptz, {})",
                                where.bind(*filter.since), filter.after->position));
    }
  }
  if (!filter.ids.empty()) {
    where.add_raw(among_ids(where.bind(nlohmann::json(filter.ids).dump())));
  }
  return {};
}

base::Result<std::string> contexts_of(const ChangeFilter& filter) {
  std::string all;
  for (const std::string& text : filter.context) {
    TRY_ASSIGN(ContextFilter one, parse_context_filter(text));
    all += (all.empty() ? "[" : ", [") + one.as_text;
    if (one.as_scalar) all += ", " + *one.as_scalar;
    all += "]";
  }
  return "[" + all + "]";
}

std::string among_ids(std::string_view parameter) {
  return fmt::format(
      "id in (select id::uuid from jsonb_array_elements_text({}::jsonb) as ids (id))", parameter);
}

base::Result<Condition> condition_of(const ChangeFilter& filter) {
  Where where;
  TRY(add_filter(where, filter));
  return Condition{.sql = where.condition(), .parameters = where.parameters()};
}

}  // namespace bemi::query
