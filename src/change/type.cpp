// SPDX-License-Identifier: LGPL-3.0-or-later
#include "change/type.hpp"

#include <algorithm>

#include "base/limits.hpp"

namespace bemi::change {
namespace {

// OIDs are fixed by PostgreSQL (src/include/catalog/pg_type.dat); only the forms that are not
// plain text need to stand here, the catalog look-up brings every other type.
struct Builtin {
  Oid oid;
  Oid array_oid;
  const char* name;
  JsonForm form;
};

constexpr Builtin builtins[] = {
    {16, 1000, "boolean", JsonForm::boolean},
    {17, 1001, "bytea", JsonForm::text},
    {20, 1016, "bigint", JsonForm::number},
    {21, 1005, "smallint", JsonForm::number},
    {23, 1007, "integer", JsonForm::number},
    {25, 1009, "text", JsonForm::text},
    {114, 199, "json", JsonForm::json},
    {700, 1021, "real", JsonForm::number},
    {701, 1022, "double precision", JsonForm::number},
    {1042, 1014, "character", JsonForm::text},
    {1043, 1015, "character varying", JsonForm::text},
    {1082, 1182, "date", JsonForm::date},
    {1083, 1183, "time without time zone", JsonForm::text},
    {1114, 1115, "timestamp without time zone", JsonForm::timestamp},
    {1184, 1185, "timestamp with time zone", JsonForm::timestamptz},
    {1186, 1187, "interval", JsonForm::text},
    {1700, 1231, "numeric", JsonForm::number},
    {2950, 2951, "uuid", JsonForm::text},
    {3802, 3807, "jsonb", JsonForm::jsonb},
};

}  // namespace

TypePtr make_type(Type type) {
  auto add = [&type](const Type& part) {
    type.parts += part.parts;
    type.depth = std::max(type.depth, part.depth + 1);
  };
  if (type.element) add(*type.element);
  for (const Attribute& attribute : type.attributes) add(*attribute.type);
  if (type.parts > base::limits::type_parts_max || type.depth > base::limits::type_depth_max) {
    type.form = JsonForm::text;
    type.element = nullptr;
    type.attributes.clear();
    type.parts = 1;
    type.depth = 1;
  }
  return std::make_shared<const Type>(std::move(type));
}

TypeCatalog::TypeCatalog() {
  for (const Builtin& builtin : builtins) {
    auto scalar = std::make_shared<Type>(Type{.oid = builtin.oid,
                                              .name = builtin.name,
                                              .form = builtin.form,
                                              .element = {},
                                              .attributes = {}});
    auto array = std::make_shared<Type>(Type{.oid = builtin.array_oid,
                                             .name = std::string(builtin.name) + "[]",
                                             .form = JsonForm::array,
                                             .element = scalar,
                                             .attributes = {}});
    add(builtin.oid, std::move(scalar));
    add(builtin.array_oid, std::move(array));
  }
}

TypePtr TypeCatalog::find(Oid oid) const {
  auto found = types_.find(oid);
  return found == types_.end() ? nullptr : found->second;
}

void TypeCatalog::add(Oid oid, TypePtr type) { types_.insert_or_assign(oid, std::move(type)); }

}  // namespace bemi::change
