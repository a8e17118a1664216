// SPDX-License-Identifier: LGPL-3.0-or-later
#include "query/stored_key.hpp"

#include <algorithm>

#include <nlohmann/json.hpp>

#include "base/json.hpp"
#include "query/sql.hpp"

namespace bemi::query {
namespace {

using nlohmann::json;
using Texts = std::vector<std::string>;

std::string trimmed(std::string_view text) {
  std::size_t begin = text.find_first_not_of(' ');
  if (begin == std::string_view::npos) return "";
  return std::string(text.substr(begin, text.find_last_not_of(' ') - begin + 1));
}

// An array of JSON, else what stands between commas.
Texts parts_of(const std::string& text) {
  Texts parts;
  if (text.starts_with('[')) {
    json list = json::parse(text, nullptr, /*allow_exceptions=*/false);
    if (list.is_array()) {
      for (const json& one : list)
        parts.push_back(one.is_string() ? one.get<std::string>() : one.dump());
      return parts;
    }
  }
  for (std::size_t begin = 0; begin <= text.size();) {
    std::size_t end = std::min(text.find(',', begin), text.size());
    parts.push_back(trimmed(std::string_view(text).substr(begin, end - begin)));
    begin = end + 1;
  }
  return parts;
}

std::string joined(const Texts& texts) {
  std::string all;
  for (const std::string& text : texts) all += (all.empty() ? "" : ", ") + text;
  return all;
}

std::string array_of(const Texts& parts) {
  std::string text;
  for (const std::string& part : parts) {
    text += text.empty() ? "[" : ", ";
    base::append_json_string(text, part);
  }
  return text + "]";
}

// Whether a value may stand between commas and comes back as it is.
bool is_plain(const std::string& part) {
  return !part.empty() && part.find(',') == std::string::npos && part == trimmed(part) &&
         !part.starts_with('[');
}

}  // namespace

std::string written_key(const std::string& stored) {
  if (!stored.starts_with("[\"")) return stored;
  const Texts parts = parts_of(stored);
  if (parts.size() < 2 || !std::ranges::all_of(parts, is_plain)) return stored;
  std::string text;
  for (const std::string& part : parts) text += (text.empty() ? "" : ",") + part;
  return text;
}

base::Result<std::string> stored_key(const std::string& text, const std::vector<Texts>& keys,
                                     const std::string& table) {
  const Texts parts = parts_of(text);
  for (const Texts& columns : keys) {
    if (columns.size() <= 1) return text;
    if (columns.size() == parts.size()) return array_of(parts);
  }
  if (keys.empty()) return text;
  const Texts& columns = keys.front();
  return base::fail(base::ErrorKind::usage,
                    "the key of " + table + " has " + std::to_string(columns.size()) +
                        " columns: " + joined(columns),
                    "write their values with commas between, or as JSON where a value has one: " +
                        array_of(columns));
}

base::Result<std::string> stored_key(pg::Connection& destination, const TableName& table,
                                     const std::string& text,
                                     const std::optional<std::string>& source) {
  TRY_ASSIGN(pg::Rows rows,
             destination.query(sql::keys_of_table, {table.schema.empty() ? "public" : table.schema,
                                                    table.table, source}));
  std::vector<Texts> keys;
  for (int row = 0; row < rows.count(); ++row)
    keys.push_back(json::parse(rows.text(row, 0)).get<Texts>());
  return stored_key(text, keys, table.table);
}

}  // namespace bemi::query
