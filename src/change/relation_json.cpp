// SPDX-License-Identifier: LGPL-3.0-or-later
#include "change/relation_json.hpp"

#include <utility>

#include <nlohmann/json.hpp>

namespace change {
namespace {

using nlohmann::json;

TypePtr read_form(const json& form, const TypeCatalog& builtins) {
  auto oid = form.at("oid").get<Oid>();
  if (TypePtr known = builtins.find(oid)) return known;
  Type type{
      .oid = oid, .name = form.at("name").get<std::string>(), .element = {}, .attributes = {}};
  auto kind = form.at("kind").get<std::string>();
  if (auto delimiter = form.find("delimiter"); delimiter != form.end()) {
    type.delimiter = delimiter->get<std::string>().at(0);
  }
  if (kind == "array" || kind == "vector") {
    type.form = kind == "array" ? JsonForm::array : JsonForm::vector;
    type.element = read_form(form.at("element"), builtins);
  } else if (kind == "composite") {
    type.form = JsonForm::composite;
    for (const json& attribute : form.at("attributes")) {
      type.attributes.push_back(
          {attribute.at("name").get<std::string>(), read_form(attribute.at("form"), builtins)});
    }
  } else if (kind == "hstore") {
    type.form = JsonForm::hstore;
  }
  return std::make_shared<const Type>(std::move(type));
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

std::vector<Column> read_columns(const json& columns) {
  static const TypeCatalog builtins;
  std::vector<Column> read;
  for (const json& column : columns) {
    read.push_back({.name = column.at("name").get<std::string>(),
                    .type_oid = column.at("type_oid").get<Oid>(),
                    .type_modifier = column.at("type_modifier").get<std::int32_t>(),
                    .type = {}});
    read.back().number = column.value("number", 0);
    read.back().missing = column.value("missing", "");
    read.back().missing_exact = column.value("missing_exact", "");
    if (auto form = column.find("form"); form != column.end()) {
      read.back().type = read_form(*form, builtins);
    }
  }
  return read;
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
    if (!column.missing.empty()) one["missing"] = column.missing;
    if (!column.missing_exact.empty()) one["missing_exact"] = column.missing_exact;
    columns.push_back(std::move(one));
  }
  return columns.dump(-1, ' ', /*ensure_ascii=*/false, json::error_handler_t::replace);
}

}  // namespace change
