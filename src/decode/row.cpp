// SPDX-License-Identifier: LGPL-3.0-or-later
#include "decode/row.hpp"

#include "base/assert.hpp"
#include "base/json.hpp"
#include "change/key_text.hpp"
#include "decode/json_value.hpp"

namespace bemi::decode {
namespace {

using change::Column;
using change::Relation;
using Kind = Value::Kind;

// The value itself, or the old row's when it was not sent again.
const Value* resolve(const Tuple& tuple, const Tuple* old, std::size_t index) {
  const Value& value = tuple[index];
  if (value.kind != Kind::unchanged) return &value;
  if (old == nullptr || (*old)[index].kind != Kind::text) return nullptr;
  return &(*old)[index];
}

// From here on a row is not grown by doubling.
constexpr std::size_t large_bytes = 1UL << 20;

// No shorter key needs another name (change/key_text).
constexpr std::size_t name_bytes_min = 64;

std::size_t text_bytes(const Tuple& tuple) {
  std::size_t bytes = 0;
  for (const Value& value : tuple) bytes += value.text.size();
  return bytes;
}

bool is_utf8(const Column& column, std::string_view text) {
  return !column.unchecked || base::valid_utf8(text);
}

// Text of unknown encoding, so that one can read it: what is not ASCII as \xE9.
std::string readable(std::string_view text) {
  constexpr std::string_view digits = "0123456789ABCDEF";
  std::string out;
  for (char c : text) {
    auto byte = static_cast<unsigned char>(c);
    if (byte < 0x80) {
      out.push_back(c);
    } else {
      out.append("\\x").push_back(digits[byte >> 4U]);
      out.push_back(digits[byte & 15U]);
    }
  }
  return out;
}

void append_member(std::string& members, std::string_view name, std::string_view text) {
  if (!members.empty()) members.push_back(',');
  base::append_json_string(members, name);
  members.push_back(':');
  base::append_json_string(members, text);
}

}  // namespace

void Remarks::add(std::string_view side, std::string_view column, std::string_view remark) {
  append_member(side == "before" ? before_ : after_, column, remark);
}

std::string Remarks::text() const {
  if (before_.empty() && after_.empty()) return {};
  std::string json = "{";
  if (!before_.empty()) json += "\"before\":{" + before_ + "}";
  if (!before_.empty() && !after_.empty()) json.push_back(',');
  if (!after_.empty()) json += "\"after\":{" + after_ + "}";
  return json + "}";
}

void append_row(std::string& out, const Relation& relation, const Tuple& tuple, const Tuple* old,
                bool key_only, Side side, RowRemarks& remarks) {
  ASSERT(tuple.size() == relation.columns.size());
  std::string_view side_name = side == Side::before ? "before" : "after";
  if (std::size_t bytes = text_bytes(tuple); bytes > large_bytes) out.reserve(bytes + bytes / 64);
  out.push_back('{');
  bool first = true;
  for (std::size_t i = 0; i < tuple.size(); ++i) {
    const Column& column = relation.columns[i];
    if (key_only && !column.in_identity) continue;
    if (column.redacted) {
      remarks.fidelity.add(side_name, column.name, "redacted");
      continue;
    }
    const Value* value = resolve(tuple, old, i);
    if (value == nullptr) {
      remarks.fidelity.add(side_name, column.name, "unknown");
      continue;
    }
    if (!first) out.push_back(',');
    first = false;
    base::append_json_string(out, column.name);
    out.push_back(':');
    if (value->kind == Kind::null) {
      out += "null";
    } else if (!is_utf8(column, value->text)) {
      base::append_json_string(out, readable(value->text));
      remarks.fidelity.add(side_name, column.name, "unknown");
    } else if (!append_json_value(out, *column.type, value->text)) {
      remarks.exact.add(side_name, column.name, value->text);
    }
  }
  if (!key_only) {
    for (const std::string& name : relation.unsent) {
      remarks.fidelity.add(side_name, name, "unknown");
    }
  }
  out.push_back('}');
}

bool append_primary_key(std::string& out, const Relation& relation, const Tuple& tuple,
                        const Tuple* old) {
  if (relation.primary_key.empty()) return false;
  bool several = relation.primary_key.size() > 1;
  if (several) out.push_back('[');
  for (std::size_t index : relation.primary_key) {
    const Value* value = resolve(tuple, old, index);
    if (value == nullptr || value->kind != Kind::text) {
      out.clear();
      return false;
    }
    bool fits = is_utf8(relation.columns[index], value->text);
    std::string text = fits ? std::string() : readable(value->text);
    if (!several) {
      std::string_view key = fits ? value->text : std::string_view(text);
      if (key.size() < name_bytes_min) {
        out += key;
      } else {
        out += change::key_name(std::string(key));
      }
      return true;
    }
    if (out.size() > 1) out += ", ";
    base::append_json_string(out, fits ? value->text : std::string_view(text));
  }
  out.push_back(']');
  if (out.size() >= name_bytes_min) out = change::key_list_name(std::move(out));
  return true;
}

bool differs(const Relation& relation, const Tuple& before, const Tuple& after) {
  for (std::size_t i = 0; i < after.size(); ++i) {
    if (relation.columns[i].ignored || after[i].kind == Kind::unchanged) continue;
    if (before[i].kind != after[i].kind || before[i].text != after[i].text) return true;
  }
  // An update that changes nothing is still an update: only ignored columns hide one.
  for (const Column& column : relation.columns) {
    if (column.ignored) return false;
  }
  return true;
}

}  // namespace bemi::decode
