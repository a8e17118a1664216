// SPDX-License-Identifier: LGPL-3.0-or-later
#include "pg/table_guard.hpp"

#include <fmt/format.h>

#include "pg/sql.hpp"

namespace bemi::pg {
namespace {

constexpr const char* is_named = "select to_regclass($2)::oid = $1::oid";

constexpr const char* select_expressions = R"(
select exists (select from pg_index i where i.indrelid = $1::oid
               and (i.indexprs is not null or i.indpred is not null))
  or exists (select from pg_statistic_ext s where s.stxrelid = $1::oid))";

// {0}: the relation's oid.
constexpr const char* select_foreign_table = R"(
with recursive tree (oid) as (
  select {0}::oid
  union all
  select i.inhrelid from tree join pg_inherits i on i.inhparent = tree.oid
)
select min(f.oid::regclass::text) from tree join pg_class f on f.oid = tree.oid where f.relkind = 'f' and f.relispartition)";

}  // namespace

base::Status lock_table(Connection& connection, const std::string& oid,
                        const std::string& quoted_name) {
  TRY(connection.run("lock table only " + quoted_name + " in access share mode"));
  TRY_ASSIGN(Rows same, connection.query(is_named, {oid, quoted_name}));
  if (same.truth(0, 0)) return {};
  return base::fail(base::ErrorKind::serialization,
                    "the name " + quoted_name + " is another relation's by now");
}

base::Result<bool> has_expressions(Connection& connection, const std::string& oid) {
  TRY_ASSIGN(Rows found, connection.query(select_expressions, {oid}));
  return found.truth(0, 0);
}

base::Result<std::string> foreign_code(Connection& connection, const std::string& oid) {
  TRY_ASSIGN(Rows found, connection.query(sql::foreign_code, {oid}));
  return found.empty() ? std::string() : found.text(0, 0);
}

std::string select_foreign_partition(std::string_view oid) {
  return fmt::format(fmt::runtime(select_foreign_table), oid);
}

base::Result<std::string> foreign_partition(Connection& connection, const std::string& oid) {
  TRY_ASSIGN(
      Rows found,
      connection.query("select coalesce((" + select_foreign_partition("$1") + "), '')", {oid}));
  return found.text(0, 0);
}

}  // namespace bemi::pg
