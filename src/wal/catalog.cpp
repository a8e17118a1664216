// SPDX-License-Identifier: LGPL-3.0-or-later
#include "wal/catalog.hpp"

#include <chrono>

#include <fmt/format.h>

#include "base/limits.hpp"
#include "wal/sql.hpp"

namespace bemi::wal {
namespace {

using change::JsonForm;
using change::Oid;
using change::Type;
using change::TypePtr;

// A true array is subscripted as one; int2vector and oidvector are too, but print otherwise.
constexpr const char* select_type = R"(
select format_type(t.oid, null), t.typtype, t.typbasetype, t.typelem, t.typdelim, t.typrelid,
       t.typelem <> 0 and t.typsubscript = 'array_subscript_handler'::regproc,
       exists (select 1 from pg_depend d join pg_extension e on e.oid = d.refobjid
               where d.objid = t.oid and d.classid = 'pg_type'::regclass and d.deptype = 'e'
                 and e.extname = 'hstore') and t.typname = 'hstore'
from pg_type t where t.oid = $1)";

constexpr const char* select_attributes = R"(
select attname, atttypid from pg_attribute
where attrelid = $1 and attnum > 0 and not attisdropped order by attnum)";

constexpr const char* select_relation = R"(
select n.nspname, c.relname, c.relreplident
from pg_class c join pg_namespace n on n.oid = c.relnamespace where c.oid = $1)";

constexpr const char* select_columns = R"(
select attname, atttypid, atttypmod, attnum from pg_attribute
where attrelid = $1 and attnum > 0 and not attisdropped
  and (attgenerated = '' or attgenerated = 's' and current_setting('server_version_num')::int >= 180000)
order by attnum)";

// Far more than make_type() takes apart, so that a type cut off here becomes text anyway.
constexpr int type_nesting_max = 4 * base::limits::type_depth_max;

Oid oid_at(const pg::Rows& rows, int row, int column) {
  return static_cast<Oid>(rows.integer(row, column));
}

// `depth`: how many types this one is within. A role that may create types may nest them without
// end.
base::Result<TypePtr> load_type(pg::Connection& source, Oid oid, change::TypeCatalog& types,
                                int depth = 0);

base::Result<std::vector<change::Attribute>> load_attributes(pg::Connection& source, Oid relation,
                                                             change::TypeCatalog& types,
                                                             int depth) {
  TRY_ASSIGN(pg::Rows rows, source.query(select_attributes, {std::to_string(relation)}));
  std::vector<change::Attribute> attributes;
  for (int row = 0; row < rows.count(); ++row) {
    TRY_ASSIGN(TypePtr type, load_type(source, oid_at(rows, row, 1), types, depth + 1));
    attributes.push_back({rows.text(row, 0), std::move(type)});
  }
  return attributes;
}

// `row`: of select_type.
base::Result<TypePtr> build_type(pg::Connection& source, Oid oid, const pg::Rows& row,
                                 change::TypeCatalog& types, int depth) {
  std::string kind = row.text(0, 1);
  if (kind == "d") return load_type(source, oid_at(row, 0, 2), types, depth + 1);
  Type type{.oid = oid, .name = row.text(0, 0), .element = {}, .attributes = {}};
  constexpr Oid int2vector = 22;
  constexpr Oid oidvector = 30;
  if (row.truth(0, 6)) {
    type.form = oid == int2vector || oid == oidvector ? JsonForm::vector : JsonForm::array;
    TRY_ASSIGN(type.element, load_type(source, oid_at(row, 0, 3), types, depth + 1));
    type.delimiter = type.element->delimiter;
  } else if (kind == "c") {
    type.form = JsonForm::composite;
    TRY_ASSIGN(type.attributes, load_attributes(source, oid_at(row, 0, 5), types, depth));
  } else if (row.truth(0, 7)) {
    type.form = JsonForm::hstore;
  }
  if (type.form == JsonForm::text) type.delimiter = row.text(0, 4).front();
  return change::make_type(std::move(type));
}

base::Result<TypePtr> load_type(pg::Connection& source, Oid oid, change::TypeCatalog& types,
                                int depth) {
  if (TypePtr known = types.find(oid)) return known;
  if (depth > type_nesting_max) {
    return std::make_shared<const Type>(Type{.oid = oid,
                                             .name = "???",
                                             .element = {},
                                             .attributes = {},
                                             .depth = base::limits::type_depth_max});
  }
  TRY_ASSIGN(pg::Rows row, source.query(select_type, {std::to_string(oid)}));
  TypePtr type;
  if (row.empty()) {
    type = std::make_shared<const Type>(
        Type{.oid = oid, .name = "???", .element = {}, .attributes = {}});
  } else {
    TRY_ASSIGN(type, build_type(source, oid, row, types, depth));
  }
  types.add(oid, type);
  return type;
}

}  // namespace

base::Status wait_until_visible(pg::Connection& source, std::uint64_t transaction_id) {
  for (int attempt = 0; attempt < 500; ++attempt) {
    TRY_ASSIGN(pg::Rows rows,
               source.query("select pg_visible_in_snapshot($1::xid8, pg_current_snapshot())",
                            {std::to_string(transaction_id)}));
    if (rows.truth(0, 0)) return {};
    base::pause(source.interrupt(), std::chrono::milliseconds(2));
  }
  return {};
}

base::Status resolve_types(pg::Connection& source, change::Relation& relation,
                           change::TypeCatalog& types) {
  for (change::Column& column : relation.columns) {
    TRY_ASSIGN(column.type, load_type(source, column.type_oid, types));
  }
  return {};
}

base::Result<CatalogEntry> look_up(pg::Connection& source, Oid oid) {
  TRY_ASSIGN(pg::Rows rows, source.query(sql::relation_entry, {std::to_string(oid)}));
  CatalogEntry entry;
  for (int row = 0; row < rows.count(); ++row) {
    std::string what = rows.text(row, 0);
    if (what == "table") entry.exists = true;
    if (what == "key") entry.primary_key.push_back(rows.text(row, 1));
    if (what == "leaf") entry.leaves.push_back(oid_at(rows, row, 1));
    if (what == "number")
      entry.numbers.emplace_back(rows.text(row, 1), static_cast<int>(rows.integer(row, 2)));
    if (what == "generated") entry.generated.push_back(rows.text(row, 1));
  }
  return entry;
}

base::Result<std::vector<ColumnTie>> column_ties(pg::Connection& source, Oid oid) {
  TRY_ASSIGN(pg::Rows rows, source.query(sql::column_ties, {std::to_string(oid)}));
  std::vector<ColumnTie> ties;
  for (int row = 0; row < rows.count(); ++row) {
    ties.push_back({.column = rows.text(row, 0),
                    .of = rows.text(row, 1),
                    .relation = oid_at(rows, row, 2),
                    .number = static_cast<int>(rows.integer(row, 3)),
                    .schema = rows.text(row, 4),
                    .table = rows.text(row, 5)});
  }
  return ties;
}

base::Result<Oid> root_of(pg::Connection& source, Oid oid) {
  TRY_ASSIGN(pg::Rows rows, source.query("select pg_partition_root(oid)::oid from pg_class "
                                         "where oid = $1 and relispartition",
                                         {std::to_string(oid)}));
  return rows.empty() ? 0 : oid_at(rows, 0, 0);
}

base::Result<std::vector<std::string>> type_texts(pg::Connection& source,
                                                  const change::Relation& relation) {
  std::string values;
  for (const change::Column& column : relation.columns) {
    values += fmt::format("{}({}::oid, {})", values.empty() ? "" : ", ", column.type_oid,
                          column.type_modifier);
  }
  std::vector<std::string> texts;
  if (values.empty()) return texts;
  TRY_ASSIGN(pg::Rows rows, source.run("select format_type(type, modifier) from (values " + values +
                                       ") as columns (type, modifier)"));
  for (int row = 0; row < rows.count(); ++row) texts.push_back(rows.text(row, 0));
  return texts;
}

base::Result<change::Relation> read_relation(pg::Connection& source, Oid oid) {
  TRY_ASSIGN(pg::Rows rows, source.query(select_relation, {std::to_string(oid)}));
  if (rows.empty()) return base::fail(base::ErrorKind::conflict, "the table is gone");
  change::Relation relation{.oid = oid, .schema = rows.text(0, 0), .table = rows.text(0, 1)};
  relation.identity = static_cast<change::ReplicaIdentity>(rows.text(0, 2).front());
  TRY_ASSIGN(pg::Rows columns, source.query(select_columns, {std::to_string(oid)}));
  for (int row = 0; row < columns.count(); ++row) {
    relation.columns.push_back({.name = columns.text(row, 0),
                                .type_oid = oid_at(columns, row, 1),
                                .type_modifier = static_cast<std::int32_t>(columns.integer(row, 2)),
                                .type = {}});
    relation.columns.back().number = static_cast<int>(columns.integer(row, 3));
  }
  return relation;
}

}  // namespace bemi::wal
