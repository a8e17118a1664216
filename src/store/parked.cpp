// SPDX-License-Identifier: LGPL-3.0-or-later
#include "store/parked.hpp"

#include "base/json.hpp"

namespace bemi::store {

std::string parked_content(const change::Change& change) {
  std::string json = "{";
  auto member = [&json](std::string_view key, std::string_view text, bool is_json) {
    if (json.size() > 1) json.push_back(',');
    base::append_json_string(json, key);
    json.push_back(':');
    if (is_json) {
      json += text.empty() ? "null" : text;
    } else {
      base::append_json_string(json, text);
    }
  };
  member("schema", change.relation->schema, false);
  member("table", change.relation->table, false);
  member("operation", change::name(change.operation), false);
  member("primary_key", change.has_key ? change.primary_key : "", !change.has_key);
  member("position", change::format(change.position), false);
  member("before", change.before, true);
  member("after", change.after, true);
  member("context", change.context, true);
  member("exact", change.exact, true);
  member("fidelity", change.fidelity, true);
  std::optional<bool> verified = change.context_verified;
  member("context_verified", !verified ? "" : *verified ? "true" : "false", true);
  return json + "}";
}

std::string hex_bytea(std::string_view bytes) {
  static constexpr std::string_view digits = "0123456789abcdef";
  std::string hex = "\\x";
  for (char c : bytes) {
    auto byte = static_cast<unsigned char>(c);
    hex.push_back(digits[byte >> 4]);
    hex.push_back(digits[byte & 15]);
  }
  return hex;
}

}  // namespace bemi::store
