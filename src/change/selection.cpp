// SPDX-License-Identifier: LGPL-3.0-or-later
#include "change/selection.hpp"

#include <algorithm>

#include "change/application_schema.hpp"

namespace bemi::change {
namespace {

// Splits at dots outside double quotes; "" inside quotes is one quote.
base::Result<Pattern> parse_pattern(const std::string& text, std::size_t parts_wanted) {
  Pattern pattern;
  std::string part;
  bool quoted = false;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '"' && quoted && i + 1 < text.size() && text[i + 1] == '"') {
      part.push_back(text[i++]);
    } else if (text[i] == '"') {
      quoted = !quoted;
    } else if (text[i] == '.' && !quoted) {
      pattern.parts.push_back(std::move(part));
      part.clear();
    } else {
      part.push_back(text[i]);
    }
  }
  pattern.parts.push_back(std::move(part));
  if (pattern.parts.size() + 1 == parts_wanted)
    pattern.parts.insert(pattern.parts.begin(), "public");
  bool empty_part = std::ranges::any_of(pattern.parts, &std::string::empty);
  if (quoted || empty_part || pattern.parts.size() != parts_wanted) {
    return base::fail(base::ErrorKind::usage, "not a pattern: " + text,
                      parts_wanted == 2 ? "write schema.table, with * as a wildcard"
                                        : "write schema.table.column, with * as a wildcard");
  }
  return pattern;
}

base::Result<std::vector<Pattern>> parse_all(const std::vector<std::string>& texts,
                                             std::size_t parts_wanted) {
  std::vector<Pattern> patterns;
  for (const std::string& text : texts) {
    TRY_ASSIGN(Pattern pattern, parse_pattern(text, parts_wanted));
    patterns.push_back(std::move(pattern));
  }
  return patterns;
}

bool matches(const Pattern& pattern, std::initializer_list<std::string_view> names) {
  return std::equal(
      pattern.parts.begin(), pattern.parts.end(), names.begin(), names.end(),
      [](const std::string& part, std::string_view name) { return wildcard_match(part, name); });
}

bool any_match(const std::vector<Pattern>& patterns,
               std::initializer_list<std::string_view> names) {
  return std::ranges::any_of(patterns,
                             [&](const Pattern& pattern) { return matches(pattern, names); });
}

}  // namespace

std::string regex_of(std::string_view part) {
  std::string regex = "^";
  for (char c : part) {
    if (c == '*') {
      regex += ".*";
    } else if (c == '?') {
      regex += ".";
    } else {
      if (std::string_view(".\\+[]{}()^$|").find(c) != std::string_view::npos) regex += '\\';
      regex += c;
    }
  }
  return regex + "$";
}

bool wildcard_match(std::string_view pattern, std::string_view name) {
  std::size_t p = 0;
  std::size_t n = 0;
  std::size_t star = std::string_view::npos;
  std::size_t star_name = 0;
  while (n < name.size()) {
    if (p < pattern.size() && pattern[p] == '*') {
      star = p++;
      star_name = n;
    } else if (p < pattern.size() && (pattern[p] == '?' || pattern[p] == name[n])) {
      ++p;
      ++n;
    } else if (star != std::string_view::npos) {
      p = star + 1;
      n = ++star_name;
    } else {
      return false;
    }
  }
  while (p < pattern.size() && pattern[p] == '*') ++p;
  return p == pattern.size();
}

base::Result<Selection> Selection::parse(const Texts& texts) {
  Selection selection;
  selection.texts_ = texts;
  TRY_ASSIGN(selection.include_, parse_all(texts.include, 2));
  TRY_ASSIGN(selection.exclude_, parse_all(texts.exclude, 2));
  TRY_ASSIGN(selection.ignore_, parse_all(texts.ignore_columns, 3));
  TRY_ASSIGN(selection.redact_, parse_all(texts.redact_columns, 3));
  return selection;
}

bool Selection::tracks(std::string_view schema, std::string_view table) const {
  if (!is_application_schema(schema)) return false;
  if (any_match(exclude_, {schema, table})) return false;
  return include_.empty() || any_match(include_, {schema, table});
}

bool Selection::ignores(std::string_view schema, std::string_view table,
                        std::string_view column) const {
  return any_match(ignore_, {schema, table, column});
}

bool Selection::redacts(std::string_view schema, std::string_view table,
                        std::string_view column) const {
  return redacting(schema, table, column) != nullptr;
}

const std::string* Selection::redacting(std::string_view schema, std::string_view table,
                                        std::string_view column) const {
  auto found = std::ranges::find_if(
      redact_, [&](const Pattern& pattern) { return matches(pattern, {schema, table, column}); });
  if (found == redact_.end()) return nullptr;
  return &texts_.redact_columns[static_cast<std::size_t>(found - redact_.begin())];
}

bool Selection::has_redaction(std::string_view pattern) const {
  return std::ranges::find(texts_.redact_columns, pattern) != texts_.redact_columns.end();
}

}  // namespace bemi::change
