// SPDX-License-Identifier: LGPL-3.0-or-later
#include "query/known_names.hpp"

#include <algorithm>
#include <array>
#include <cctype>
#include <string_view>
#include <utility>

#include "change/change.hpp"
#include "query/stored_key.hpp"

namespace bemi::query {
namespace {

// As SQL calls them.
constexpr std::array<std::pair<std::string_view, std::string_view>, 3> other_words{
    {{"INSERT", "CREATE"}, {"REMOVE", "DELETE"}, {"DDL", "SCHEMA"}}};

// Where two words begin alike.
bool is_alike(std::string_view one, std::string_view other) {
  std::size_t same = 0;
  while (same < std::min(one.size(), other.size()) && one[same] == other[same]) ++same;
  return same >= 3;
}

std::string meant_by(const std::string& word) {
  for (const auto& [said, stored] : other_words) {
    if (word == said) return std::string(stored);
  }
  for (change::Operation one : change::operations) {
    if (is_alike(word, name(one))) return std::string(name(one));
  }
  return "";
}

base::Status check_table(pg::Connection& destination, const ChangeFilter& filter) {
  if (!filter.table) return {};
  const TableName& table = *filter.table;
  TRY(destination.query("select _bemi.check_table($1, $2)",
                        {table.schema.empty() ? "public" : table.schema, table.table}));
  return {};
}

}  // namespace

base::Status check_source(pg::Connection& destination, const std::optional<std::string>& source) {
  if (source) TRY(destination.query("select _bemi.check_source($1)", {source}));
  return {};
}

base::Result<ChangeFilter> known_filter(pg::Connection& destination, ChangeFilter filter) {
  TRY(check_source(destination, filter.source));
  TRY(check_table(destination, filter));
  if (filter.table && filter.primary_key) {
    TRY_ASSIGN(filter.primary_key,
               stored_key(destination, *filter.table, *filter.primary_key, filter.source));
  }
  return filter;
}

bool is_context_key(const std::string& by) {
  return by != "transaction" && by != "table" && by != "operation" && by != "source";
}

base::Status check_context_key(pg::Connection& destination, const std::string& key) {
  TRY(destination.query("select _bemi.check_context_key($1)", {key}));
  return {};
}

base::Status check_context_keys(pg::Connection& destination, const ChangeFilter& filter) {
  for (const std::string& text : filter.context) {
    TRY(check_context_key(destination, text.substr(0, text.find('='))));
  }
  return {};
}

base::Result<std::string> parse_operation(const std::string& text) {
  std::string word = text;
  std::ranges::transform(word, word.begin(),
                         [](unsigned char c) { return static_cast<char>(std::toupper(c)); });
  std::string all;
  for (change::Operation one : change::operations) {
    if (word == name(one)) return word;
    all += (all.empty() ? "" : ", ") + std::string(name(one));
  }
  std::string meant = meant_by(word);
  return base::fail(
      base::ErrorKind::usage, "there is no operation " + text,
      (meant.empty() ? "" : "did you mean " + meant + "? ") + "the operations are " + all);
}

base::Result<std::string> absolute_time(pg::Connection& destination, const std::string& text) {
  TRY_ASSIGN(pg::Rows rows, destination.query("select _bemi.bound_of($1)::text", {text}));
  return rows.text(0, 0);
}

base::Status fix_times(pg::Connection& destination, ChangeFilter& filter) {
  for (auto* time : {&filter.since, &filter.until}) {
    if (!*time) continue;
    TRY_ASSIGN(*time, absolute_time(destination, **time));
  }
  return {};
}

}  // namespace bemi::query
