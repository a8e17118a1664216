// SPDX-License-Identifier: LGPL-3.0-or-later
#include "serve/contract.hpp"

#include <algorithm>
#include <cctype>
#include <string>

#include "base/number.hpp"
#include "serve/assets.hpp"

namespace bemi::serve {
namespace {

using nlohmann::json;
using nlohmann::ordered_json;

const json& document() {
  static const json read = json::parse(openapi_document());
  return read;
}

const json& resolved(const json& item) {
  auto reference = item.find("$ref");
  if (reference == item.end()) return item;
  // "#/components/...": a pointer into the same document.
  return document().at(json::json_pointer(reference->get<std::string>().substr(1)));
}

std::string lower_case(std::string_view text) {
  std::string lower(text);
  std::ranges::transform(lower, lower.begin(),
                         [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
  return lower;
}

const json& described(const Operation& operation) {
  return document().at("paths").at(std::string(operation.pattern)).at(lower_case(operation.method));
}

base::Status wrong(std::string_view name, const std::string& what) {
  return base::fail(base::ErrorKind::usage, std::string(name) + ": " + what,
                    "see /api/openapi.json");
}

// ---- Values ----

// \pre `text` is valid UTF-8.
std::size_t characters(std::string_view text) {
  return static_cast<std::size_t>(
      std::ranges::count_if(text, [](unsigned char c) { return (c & 0xC0U) != 0x80U; }));
}

bool is_uuid(std::string_view text) {
  constexpr std::string_view shape = "xxxxxxxx-xxxx-xxxx-xxxx-xxxxxxxxxxxx";
  return text.size() == shape.size() &&
         std::ranges::equal(text, shape, [](unsigned char c, char wanted) {
           return wanted == '-' ? c == '-' : std::isxdigit(c) != 0;
         });
}

base::Status check_text(const std::string& text, const json& schema, std::string_view name) {
  std::size_t size = characters(text);
  if (auto least = schema.find("minLength"); least != schema.end() && size < *least) {
    return wrong(name, "has at least " + least->dump() + " characters");
  }
  if (auto most = schema.find("maxLength"); most != schema.end() && size > *most) {
    return wrong(name, "has at most " + most->dump() + " characters");
  }
  if (schema.value("format", "") == "uuid" && !is_uuid(text)) return wrong(name, "is a uuid");
  // The document has only one pattern: names occur in paths.
  if (schema.contains("pattern") && text.contains('/')) return wrong(name, "has no slash");
  return {};
}

base::Status check_number(const ordered_json& number, const json& schema, std::string_view name) {
  auto least = schema.find("minimum");
  auto most = schema.find("maximum");
  bool is_small = least != schema.end() && number < ordered_json(*least);
  bool is_large = most != schema.end() && number > ordered_json(*most);
  if (!is_small && !is_large) return {};
  if (least == schema.end()) return wrong(name, "is at most " + most->dump());
  if (most == schema.end()) return wrong(name, "is at least " + least->dump());
  return wrong(name, "is a number from " + least->dump() + " to " + most->dump());
}

bool is_of_type(const ordered_json& value, std::string_view type) {
  if (type == "object") return value.is_object();
  if (type == "array") return value.is_array();
  if (type == "string") return value.is_string();
  if (type == "boolean") return value.is_boolean();
  if (type == "integer") return value.is_number_integer();
  if (type == "number") return value.is_number();
  return type == "null" && value.is_null();
}

base::Status check_type(const ordered_json& value, const json& schema, std::string_view name) {
  auto type = schema.find("type");
  if (type == schema.end()) return {};
  const json types = type->is_array() ? *type : json::array({*type});
  std::string known;
  for (const json& one : types) {
    if (is_of_type(value, one.get_ref<const std::string&>())) return {};
    known += (known.empty() ? "" : " or ") + one.get<std::string>();
  }
  return wrong(name, "is of type " + known);
}

// In any case: where it matters, the handler says so.
base::Status check_enum(const ordered_json& value, const json& schema, std::string_view name) {
  auto known = schema.find("enum");
  if (known == schema.end() || value.is_null()) return {};
  std::string all;
  for (const json& one : *known) {
    const auto& word = one.get_ref<const std::string&>();
    if (value.is_string() && lower_case(word) == lower_case(value.get_ref<const std::string&>())) {
      return {};
    }
    all += (all.empty() ? "" : ", ") + word;
  }
  return wrong(name, "is one of " + all);
}

base::Status check(const ordered_json& value, const json& schema_or_reference,
                   const std::string& name);

base::Status check_object(const ordered_json& object, const json& schema, const std::string& name) {
  std::string prefix = name.empty() ? "" : name + ".";
  for (const json& needed : schema.value("required", json::array())) {
    const auto& field = needed.get_ref<const std::string&>();
    if (!object.contains(field)) return wrong(prefix + field, "is missing");
  }
  auto properties = schema.find("properties");
  if (properties == schema.end()) return {};
  bool is_closed = schema.contains("additionalProperties") && !schema["additionalProperties"];
  for (const auto& [field, value] : object.items()) {
    auto known = properties->find(field);
    if (known != properties->end()) {
      TRY(check(value, *known, prefix + field));
    } else if (is_closed) {
      return wrong(name.empty() ? "body" : name, "there is no field " + field);
    }
  }
  return {};
}

base::Status check_list(const ordered_json& list, const json& schema, const std::string& name) {
  auto most = schema.find("maxItems");
  if (most != schema.end() && list.size() > *most) {
    return wrong(name, "has at most " + most->dump() + " items");
  }
  auto items = schema.find("items");
  if (items == schema.end()) return {};
  for (const ordered_json& item : list) TRY(check(item, *items, name));
  return {};
}

// Those words of JSON Schema that the document uses; a test says that it uses no other.
base::Status check(const ordered_json& value, const json& schema_or_reference,
                   const std::string& name) {
  const json& schema = resolved(schema_or_reference);
  for (const json& part : schema.value("allOf", json::array())) TRY(check(value, part, name));
  TRY(check_type(value, schema, name.empty() ? "body" : name));
  TRY(check_enum(value, schema, name));
  if (value.is_string()) return check_text(value.get_ref<const std::string&>(), schema, name);
  if (value.is_number()) return check_number(value, schema, name);
  if (value.is_object()) return check_object(value, schema, name);
  if (value.is_array()) return check_list(value, schema, name);
  return {};
}

// ---- Parameters ----

// A parameter's text as the value that its schema speaks of; a text when it is none.
ordered_json value_of(const std::string& text, const json& schema) {
  std::string type = schema.value("type", "string");
  if (type == "integer") {
    auto number = base::parse_number<std::int64_t>(text);
    return number ? ordered_json(*number) : ordered_json(text);
  }
  if (type == "boolean") {
    if (text == "true" || text == "1") return true;
    if (text == "false" || text == "0") return false;
  }
  return text;
}

std::vector<std::string> texts_of(const std::string& place, const std::string& name,
                                  const Request& request, std::string_view tail) {
  if (place == "path") return {std::string(tail)};
  if (place == "query") return request.parameters(name);
  std::string_view header = request.header(lower_case(name));
  return header.empty() ? std::vector<std::string>() : std::vector{std::string(header)};
}

}  // namespace

base::Status check_parameters(const Operation& operation, const Request& request,
                              std::string_view tail) {
  for (const json& item : described(operation).value("parameters", json::array())) {
    const json& parameter = resolved(item);
    const json& schema = resolved(parameter.at("schema"));
    auto name = parameter.at("name").get<std::string>();
    auto texts = texts_of(parameter.at("in"), name, request, tail);
    bool is_list = schema.value("type", "") == "array";
    if (is_list && texts.size() > schema.value("maxItems", texts.size())) {
      return wrong(name, "may be given " + schema["maxItems"].dump() + " times");
    }
    if (!is_list && texts.size() > 1) return wrong(name, "is given more than once");
    const json& one = is_list ? resolved(schema.at("items")) : schema;
    for (const std::string& text : texts) {
      if (!text.empty()) TRY(check(value_of(text, one), one, name));
    }
  }
  return {};
}

base::Status check_body(const Operation& operation, const ordered_json& body) {
  const json& wanted = described(operation).at("requestBody");
  return check(body, wanted.at("content").at("application/json").at("schema"), "");
}

}  // namespace bemi::serve
