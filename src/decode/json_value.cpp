// SPDX-License-Identifier: LGPL-3.0-or-later
#include "decode/json_value.hpp"

#include <cstring>

#include "base/json.hpp"

namespace bemi::decode {
namespace {

using change::JsonForm;
using change::Type;

bool append_any(std::string& out, const Type& type, std::string_view text);

// The server reads an array or a row back from JSON (jsonb_populate_record), but not with an hstore
// in it.
bool readable_inside(const Type& type) { return type.form != JsonForm::hstore; }

bool as_string(std::string& out, std::string_view text) {
  base::append_json_string(out, text);
  return true;
}

bool is_digit(char c) { return c >= '0' && c <= '9'; }

// PostgreSQL prints numbers as JSON does, but for NaN and the infinities.
bool append_number(std::string& out, std::string_view text) {
  std::size_t first = text.starts_with('-') ? 1 : 0;
  bool plain = text.find_first_not_of("0123456789.eE+-") == std::string_view::npos;
  if (first >= text.size() || !is_digit(text[first]) || !plain) return as_string(out, text);
  out += text;
  // jsonb has no negative zero.
  bool negative_zero = first == 1 && text.find_first_not_of("0.", 1) == std::string_view::npos;
  return !negative_zero;
}

bool append_json(std::string& out, std::string_view text, bool is_jsonb) {
  base::JsonScan scan = base::scan_json_object(text, {});
  if (!scan.fits_jsonb) {
    base::append_json_string(out, text);
    return false;
  }
  out += text;
  // SQL NULL and JSON null look alike in a row.
  return text != "null" && (is_jsonb || scan.as_jsonb_prints);
}

// "2026-11-23 17:09:14.5+00" -> "2026-11-23T17:09:14.5+00:00"; infinities and BC keep their words.
bool append_timestamp(std::string& out, std::string_view text, bool with_zone) {
  std::size_t space = text.find(' ');
  bool plain = text.find_first_not_of("0123456789-:.+ BC") == std::string_view::npos;
  if (space == std::string_view::npos || !plain) return as_string(out, text);
  std::string_view tail = text.substr(space + 1);
  std::string_view era;
  if (tail.ends_with(" BC")) {
    era = " BC";
    tail.remove_suffix(3);
  }
  out.push_back('"');
  out.append(text.substr(0, space));
  out.push_back('T');
  out.append(tail);
  if (with_zone) out += ":00";
  out.append(era);
  out.push_back('"');
  return true;
}

// Array text (manual, "Array Input and Output Syntax").
class ArrayWriter {
 public:
  ArrayWriter(std::string& out, const Type& element, std::string_view text)
      : out_(out), element_(element), text_(text) {}

  // False when the text is not an array's; out_ is then to be cut back.
  bool run() {
    if (text_.starts_with('[')) {  // explicit bounds: "[2:4]={...}"
      at_ = text_.find('=');
      if (at_ == std::string_view::npos) return false;
      ++at_;
      exact_ = false;
    }
    return level() && at_ == text_.size();
  }
  [[nodiscard]] bool exact() const { return exact_; }

 private:
  bool level() {
    if (at_ >= text_.size() || text_[at_] != '{') return false;
    ++at_;
    out_.push_back('[');
    if (at_ < text_.size() && text_[at_] == '}') return close();
    while (at_ < text_.size()) {
      bool ok = text_[at_] == '{' ? level() : item();
      if (!ok || at_ >= text_.size()) return false;
      if (text_[at_] == '}') return close();
      if (text_[at_] != element_.delimiter) return false;
      ++at_;
      out_.push_back(',');
    }
    return false;
  }

  bool close() {
    ++at_;
    out_.push_back(']');
    return true;
  }

  bool item() {
    item_.clear();
    if (text_[at_] == '"') return quoted();
    std::size_t end = at_;
    while (end < text_.size() && text_[end] != element_.delimiter && text_[end] != '}') ++end;
    std::string_view raw = text_.substr(at_, end - at_);
    at_ = end;
    if (raw == "NULL") {
      out_ += "null";
    } else {
      append_element(raw);
    }
    return true;
  }

  bool quoted() {
    ++at_;
    while (at_ < text_.size() && text_[at_] != '"') {
      if (text_[at_] == '\\') ++at_;
      if (at_ < text_.size()) item_.push_back(text_[at_++]);
    }
    if (at_ >= text_.size()) return false;
    ++at_;
    append_element(item_);
    return true;
  }

  void append_element(std::string_view text) {
    // In an array of JSON arrays, nobody can tell the dimensions.
    bool is_json = element_.form == JsonForm::json || element_.form == JsonForm::jsonb;
    bool ambiguous = is_json && text.starts_with('[');
    exact_ = append_any(out_, element_, text) && readable_inside(element_) && !ambiguous && exact_;
  }

  std::string& out_;
  const Type& element_;
  std::string_view text_;
  std::size_t at_ = 0;
  bool exact_ = true;
  std::string item_;
};

bool append_array(std::string& out, const Type& type, std::string_view text) {
  std::size_t start = out.size();
  ArrayWriter writer(out, *type.element, text);
  if (writer.run()) return writer.exact();
  out.resize(start);
  return as_string(out, text);
}

bool append_vector(std::string& out, const Type& type, std::string_view text) {
  out.push_back('[');
  bool first = true;
  while (!text.empty()) {
    std::size_t end = text.find(' ');
    if (!first) out.push_back(',');
    first = false;
    append_any(out, *type.element, text.substr(0, end));
    text = end == std::string_view::npos ? std::string_view{} : text.substr(end + 1);
  }
  out.push_back(']');
  return true;
}

// One field of a row's text: up to a comma or the closing parenthesis, quotes undone.
bool take_field(std::string_view text, std::size_t& at, std::string& field, bool& is_null) {
  field.clear();
  is_null = true;
  bool in_quotes = false;
  for (; at < text.size(); ++at) {
    char c = text[at];
    if (!in_quotes && (c == ',' || c == ')')) return true;
    is_null = false;
    if (c == '"' && in_quotes && at + 1 < text.size() && text[at + 1] == '"') {
      field.push_back('"');
      ++at;
    } else if (c == '"') {
      in_quotes = !in_quotes;
    } else {
      if (c == '\\' && at + 1 < text.size()) c = text[++at];
      field.push_back(c);
    }
  }
  return false;
}

// Row text (manual, "Composite Type Input and Output Syntax").
bool append_composite(std::string& out, const Type& type, std::string_view text) {
  std::size_t start = out.size();
  bool exact = true;
  std::size_t at = 1;
  std::string field;
  out.push_back('{');
  for (std::size_t i = 0; i < type.attributes.size(); ++i) {
    bool is_null = false;
    if (!text.starts_with('(') || !take_field(text, at, field, is_null)) {
      out.resize(start);
      return as_string(out, text);
    }
    // Another number of fields than the type is known to have.
    bool is_last = i + 1 == type.attributes.size();
    if ((text[at] == ')') != is_last) {
      out.resize(start);
      return as_string(out, text);
    }
    ++at;
    if (i > 0) out.push_back(',');
    base::append_json_string(out, type.attributes[i].name);
    out.push_back(':');
    if (is_null) {
      out += "null";
    } else {
      const Type& inner = *type.attributes[i].type;
      exact = append_any(out, inner, field) && readable_inside(inner) && exact;
    }
  }
  out.push_back('}');
  return exact;
}

// hstore's text: "key"=>"value", "other"=>NULL
class HstoreWriter {
 public:
  HstoreWriter(std::string& out, std::string_view text) : out_(out), text_(text) {}

  // False when the text is not an hstore's; out_ is then to be cut back.
  bool run() {
    out_.push_back('{');
    for (bool first = true; at_ < text_.size(); first = false) {
      if (!first) out_.push_back(',');
      if (!first && !skip(", ")) return false;
      if (!quoted() || !skip("=>")) return false;
      base::append_json_string(out_, item_);
      out_.push_back(':');
      if (skip("NULL")) {
        out_ += "null";
      } else {
        if (!quoted()) return false;
        base::append_json_string(out_, item_);
      }
    }
    out_.push_back('}');
    return true;
  }

 private:
  bool skip(std::string_view expected) {
    if (!text_.substr(at_).starts_with(expected)) return false;
    at_ += expected.size();
    return true;
  }

  bool quoted() {
    item_.clear();
    if (!skip("\"")) return false;
    while (at_ < text_.size() && text_[at_] != '"') {
      if (text_[at_] == '\\') ++at_;
      if (at_ < text_.size()) item_.push_back(text_[at_++]);
    }
    return at_ < text_.size() && skip("\"");
  }

  std::string& out_;
  std::string_view text_;
  std::size_t at_ = 0;
  std::string item_;
};

bool append_hstore(std::string& out, std::string_view text) {
  std::size_t start = out.size();
  if (HstoreWriter(out, text).run()) return true;
  out.resize(start);
  return as_string(out, text);
}

bool append_any(std::string& out, const Type& type, std::string_view text) {
  switch (type.form) {
    case JsonForm::text:
    case JsonForm::date: return as_string(out, text);
    case JsonForm::boolean:
      if (text == "t" || text == "f") {
        out += text == "t" ? "true" : "false";
        return true;
      }
      return as_string(out, text);
    case JsonForm::number: return append_number(out, text);
    case JsonForm::json: return append_json(out, text, false);
    case JsonForm::jsonb: return append_json(out, text, true);
    case JsonForm::timestamp: return append_timestamp(out, text, false);
    case JsonForm::timestamptz: return append_timestamp(out, text, true);
    case JsonForm::array: return append_array(out, type, text);
    case JsonForm::vector: return append_vector(out, type, text);
    case JsonForm::composite: return append_composite(out, type, text);
    case JsonForm::hstore: return append_hstore(out, text);
  }
  return as_string(out, text);
}

}  // namespace

bool append_json_value(std::string& out, const Type& type, std::string_view text) {
  return append_any(out, type, text);
}

}  // namespace bemi::decode
