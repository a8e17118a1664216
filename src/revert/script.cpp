// SPDX-License-Identifier: LGPL-3.0-or-later
#include "revert/script.hpp"

#include <ostream>

#include <fmt/format.h>

#include "revert/limits.hpp"
#include "revert/rules.hpp"

namespace bemi::revert {
namespace {

// The live values, as what the script shall find there.
std::string row_sql(const StageTable& table) {
  std::string values = "r.n, ', ', r.shape";
  for (std::size_t i = 0; i < table.live->columns.size(); ++i) {
    std::string name = pg::quote_identifier(table.live->columns[i].name);
    values += fmt::format(", ', ', quote_nullable(l.{}::text), ', ', quote_nullable(r.t{}::text)",
                          name, i);
  }
  return fmt::format(
      "select concat('(', {}, ')') from {} r join pg_temp._bemi_state s using (n) left join {} l "
      "on l.ctid = "
      "s.at and l.tableoid = s.rel where s.state = 'go' order by r.n",
      values, table.rows(), table.live->only());
}

std::string create_sql(const StageTable& table) {
  std::string columns;
  for (std::size_t i = 0; i < table.live->columns.size(); ++i) {
    columns += fmt::format(", e{0} {1}, t{0} {1}", i, table.live->columns[i].type);
  }
  return fmt::format("create temp table _bemi_row_{} (n bigint, shape int{}) on commit drop;\n",
                     table.tab, columns);
}

// INSERTs of as many rows each as a cursor's fetch.
base::Status write_rows(pg::Connection& source, const std::string& select, const std::string& into,
                        std::ostream& out) {
  TRY(source.run("declare bemi_script no scroll cursor for " + select));
  while (true) {
    TRY_ASSIGN(pg::Rows rows,
               source.run(fmt::format("fetch {} from bemi_script", limits::fetched_rows)));
    for (int row = 0; row < rows.count(); ++row) {
      out << (row == 0 ? "insert into " + into + " values\n" : ",\n") << rows.text(row, 0);
    }
    if (!rows.empty()) out << ";\n";
    if (rows.count() < limits::fetched_rows) break;
  }
  TRY(source.run("close bemi_script"));
  return {};
}

// A body that no name in it can end.
std::string block(const std::string& body, const std::string& digest) {
  std::string tag = "$bemi_" + digest + "$";
  return "do " + tag + "\n" + body + tag + ";\n";
}

base::Result<std::string> counts_block(pg::Connection& source, const Stage& stage,
                                       const Execution& execution) {
  std::string variables;
  std::string checks;
  std::string into;
  int number = 0;
  for (const StageShape* shape : shapes_in(stage)) {
    TRY_ASSIGN(pg::Rows count,
               source.run(fmt::format(
                   "select count(*) from pg_temp._bemi_state where shape = {} and state = 'go'",
                   shape->id)));
    ++number;
    variables += fmt::format("  bemi_{} bigint;\n", number);
    into += fmt::format("{}bemi_{}", number == 1 ? "" : ", ", number);
    checks += fmt::format(
        "  if bemi_{} <> {} then raise exception 'not all rows were written: a trigger or a rule "
        "kept "
        "them back'; end if;\n",
        number, count.integer(0, 0));
  }
  return "declare\n" + variables + "begin\n" + statement_of(stage, execution) + "\ninto " + into +
         ";\n" + checks + "end ";
}

}  // namespace

base::Status write_script(pg::Connection& source, const Stage& stage, const Execution& execution,
                          const std::string& context, const Plan& plan, std::ostream& out) {
  if (!execution.parked.empty()) {
    return base::fail(
        base::ErrorKind::unsupported,
        "unique values change hands between rows that others refer to: no script can do that",
        "use --apply");
  }
  out << "-- Undo by the plan " << plan.digest << ". Changes: " << plan.changes
      << ", rows: " << plan.rows()
      << ".\n-- Stops, without doing anything, if a row has changed since this was "
         "written.\nbegin;\n"
      << "set local lock_timeout = '" << limits::lock_timeout_s << "s';\n"
      << "set local search_path = pg_catalog;\nset local row_security = off;\n"
      << "set local timezone = 'UTC';\nset local datestyle = 'ISO';\nset local intervalstyle = "
         "'postgres';\n"
      << "select pg_logical_emit_message(true, '_bemi', " << pg::quote_literal(context) << ");\n"
      << "create temp table _bemi_state (n bigint primary key, tab int, shape int, kind \"char\", "
         "columns int[], "
         "state text, at tid, rel oid) on commit drop;\n"
      << "create temp table _bemi_live (n bigint, at tid, rel oid, moved int[], same int[]) on "
         "commit drop;\n";
  if (plan.rows() > 0) {
    TRY(write_rows(
        source,
        "select format('(%s, %s, %s, %L, %L, ''go'')', n, tab, shape, kind, columns) from "
        "pg_temp._bemi_state where state = 'go' order by n",
        "pg_temp._bemi_state", out));
    for (const StageTable& table : stage.tables()) {
      out << create_sql(table);
      TRY(write_rows(source, row_sql(table), table.rows(), out));
    }
    for (const StageShape* shape : shapes_in(stage)) {
      if (shape->kind == RowKind::insert) continue;
      if (std::string sql = stage.locking(*shape); !sql.empty()) out << sql << ";\n";
    }
    out << "update pg_temp._bemi_state s set at = l.at, rel = l.rel from pg_temp._bemi_live l "
           "where l.n = s.n;\n"
        << block(
               "begin\n"
               "  if exists (select from pg_temp._bemi_state s left join pg_temp._bemi_live l "
               "using (n)\n"
               "             where s.kind <> 'I' and (l.n is null or cardinality(l.moved) > 0)) "
               "then\n"
               "    raise exception 'rows are not as they were: nothing is undone'\n"
               "      using hint = 'make a new plan';\n"
               "  end if;\n"
               "end ",
               plan.digest)
        << "select set_config('search_path', " << pg::quote_literal(stage.own_search_path())
        << ", true);\nset constraints all deferred;\n";
    TRY_ASSIGN(std::string counted, counts_block(source, stage, execution));
    out << rules_sql(stage, false) << block(counted, plan.digest) << rules_sql(stage, true)
        << "set constraints all immediate;\n";
  }
  out << "commit;\n";
  return {};
}

}  // namespace bemi::revert
