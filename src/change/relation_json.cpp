// SPDX-License-Identifier: LGPL-3.0-or-later
#include "change/relation_json.hpp"

#include <limits>
#include <utility>

#include <nlohmann/json.hpp>

#include "base/json.hpp"
#include "base/limits.hpp"
#include "change/json_fields.hpp"

namespace bemi::change {
namespace {

using base::ErrorKind;
using base::Result;
using nlohmann::json;

std::unexpected<base::Error> no_relation(const char* what) {
  return base::fail(ErrorKind::malformed_message, what);
}

// A delimiter is one byte of ASCII: what stands between the elements in the array's text.
Result<char> read_delimiter(const json& form) {
  TRY_ASSIGN(std::string text, optional_text(form, "delimiter"));
  if (text.empty() && !form.contains("delimiter")) return ',';
  bool plain = text.size() == 1 && text[0] > ' ' && text[0] < '\x7f';
  bool taken = plain && std::string_view("{}\"\\").find(text[0]) != std::string_view::npos;
  if (!plain || taken) return no_relation("the delimiter of a type is not one character");
  return text[0];
}

// Bounded by the depth of the JSON, which whoever parsed it has limited, and by `parts`.
class FormReader {
 public:
  Result<TypePtr> read(const json& form) {
    if (++parts_ > base::limits::type_parts_max * base::limits::columns_max)
      return no_relation("the types have too many parts");
    TRY_ASSIGN(Oid oid, oid_member(form, "oid"));
    if (TypePtr known = builtins().find(oid)) return known;
    Type type{.oid = oid, .name = {}, .element = {}, .attributes = {}};
    TRY_ASSIGN(type.name, text_member(form, "name"));
    TRY_ASSIGN(std::string kind, text_member(form, "kind"));
    TRY_ASSIGN(type.delimiter, read_delimiter(form));
    if (kind == "array" || kind == "vector") {
      type.form = kind == "array" ? JsonForm::array : JsonForm::vector;
      if (!form.contains("element")) return no_relation("an array has no type of its elements");
      TRY_ASSIGN(type.element, read(form["element"]));
    } else if (kind == "composite") {
      type.form = JsonForm::composite;
      TRY_ASSIGN(type.attributes, read_attributes(form));
    } else if (kind == "hstore") {
      type.form = JsonForm::hstore;
    }
    return make_type(std::move(type));
  }

 private:
  static const TypeCatalog& builtins() {
    static const TypeCatalog catalog;
    return catalog;
  }

  Result<std::vector<Attribute>> read_attributes(const json& form) {
    auto list = form.find("attributes");
    if (list == form.end() || !list->is_array() || list->size() > base::limits::columns_max)
      return no_relation("a row type has no list of attributes");
    std::vector<Attribute> attributes;
    for (const json& attribute : *list) {
      if (!attribute.is_object() || !attribute.contains("form"))
        return no_relation("an attribute has no type");
      TRY_ASSIGN(std::string name, name_member(attribute, "name"));
      TRY_ASSIGN(TypePtr type, read(attribute["form"]));
      attributes.push_back({std::move(name), std::move(type)});
    }
    return attributes;
  }

  std::size_t parts_ = 0;
};

// The value of rows from before the column was added. It is read as jsonb later on.
Result<std::string> read_missing(const json& column) {
  TRY_ASSIGN(std::string missing, optional_text(column, "missing"));
  if (missing.empty() || base::json_fits_jsonb(missing)) return missing;
  return no_relation("what rows from before a column have is not JSON");
}

Result<Column> read_column(const json& column, FormReader& forms) {
  Column read{.name = {}, .type = {}};
  TRY_ASSIGN(read.name, name_member(column, "name"));
  TRY_ASSIGN(read.type_oid, oid_member(column, "type_oid"));
  TRY_ASSIGN(std::int64_t modifier,
             number_member(column, "type_modifier", std::numeric_limits<std::int32_t>::min(),
                           std::numeric_limits<std::int32_t>::max()));
  read.type_modifier = static_cast<std::int32_t>(modifier);
  if (column.contains("number")) {
    TRY_ASSIGN(std::int64_t number,
               number_member(column, "number", 0, std::numeric_limits<std::int16_t>::max()));
    read.number = static_cast<int>(number);
  }
  TRY_ASSIGN(read.missing, read_missing(column));
  TRY_ASSIGN(read.missing_exact, optional_text(column, "missing_exact"));
  TRY_ASSIGN(read.redacted_by, optional_text(column, "redacted"));
  read.redacted = !read.redacted_by.empty();
  if (auto form = column.find("form"); form != column.end()) {
    TRY_ASSIGN(read.type, forms.read(*form));
  }
  return read;
}

// A text of _bemi.relation_version, which another role may have written.
Result<json> parse_note(std::string_view text) {
  TRY(base::check_json(text, {.bytes_max = base::limits::relation_note_bytes_max,
                              .depth_max = base::limits::schema_message_depth_max}));
  return json::parse(text, nullptr, /*allow_exceptions=*/false);
}

json form_json(const Type& type) {
  json form = {{"oid", type.oid}, {"name", type.name}, {"kind", "scalar"}};
  if (type.delimiter != ',') form["delimiter"] = std::string(1, type.delimiter);
  if (type.form == JsonForm::array || type.form == JsonForm::vector) {
    form["kind"] = type.form == JsonForm::array ? "array" : "vector";
    form["element"] = form_json(*type.element);
  } else if (type.form == JsonForm::composite) {
    form["kind"] = "composite";
    form["attributes"] = json::array();
    for (const Attribute& attribute : type.attributes) {
      form["attributes"].push_back(
          {{"name", attribute.name}, {"form", form_json(*attribute.type)}});
    }
  } else if (type.form == JsonForm::hstore) {
    form["kind"] = "hstore";
  }
  return form;
}

}  // namespace

Result<std::vector<Column>> read_columns(const json& columns) {
  if (!columns.is_array() || columns.size() > base::limits::columns_max)
    return no_relation("the columns are not a list of at most 1,664");
  FormReader forms;
  std::vector<Column> read;
  for (const json& column : columns) {
    TRY_ASSIGN(Column one, read_column(column, forms));
    read.push_back(std::move(one));
  }
  return read;
}

Result<std::vector<Column>> read_columns_text(std::string_view text) {
  TRY_ASSIGN(json columns, parse_note(text));
  return read_columns(columns);
}

Result<std::vector<std::string>> read_names(std::string_view text) {
  TRY_ASSIGN(json names, parse_note(text));
  return name_list({{"names", std::move(names)}}, "names");
}

Result<std::vector<Oid>> read_oids(std::string_view text) {
  TRY_ASSIGN(json oids, parse_note(text));
  return oid_list({{"oids", std::move(oids)}}, "oids");
}

std::string columns_json(const Relation& relation) {
  json columns = json::array();
  for (const Column& column : relation.columns) {
    json one = {{"name", column.name},
                {"type_oid", column.type_oid},
                {"type_modifier", column.type_modifier}};
    if (column.type) {
      one["type"] = column.type->name;
      one["form"] = form_json(*column.type);
    }
    if (column.number != 0) one["number"] = column.number;
    if (column.redacted) one["redacted"] = column.redacted_by;
    if (!column.redacted && !column.missing.empty()) one["missing"] = column.missing;
    if (!column.redacted && !column.missing_exact.empty())
      one["missing_exact"] = column.missing_exact;
    columns.push_back(std::move(one));
  }
  return columns.dump(-1, ' ', /*ensure_ascii=*/false, json::error_handler_t::replace);
}

}  // namespace bemi::change
