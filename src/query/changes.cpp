// SPDX-License-Identifier: LGPL-3.0-or-later
#include "query/changes.hpp"

#include <fmt/format.h>

#include "store/schema.hpp"

namespace query {
namespace {

constexpr const char* select_list =
    R"(id, source, database, schema, "table", primary_key, operation, before, after, context, )"
    R"(committed_at, effective_at, queued_at, created_at, transaction_id, position, epoch, )"
    R"(commit_position, sequence, exact, fidelity)";

base::Result<Where> where_of(const ChangeFilter& filter) {
  Where where;
  TRY(add_filter(where, filter));
  return where;
}

}  // namespace

const std::vector<std::string> change_columns{
    "id",        "source",     "database",       "schema",   "table",        "primary_key",
    "operation", "before",     "after",          "context",  "committed_at", "effective_at",
    "queued_at", "created_at", "transaction_id", "position", "epoch",        "commit_position",
    "sequence",  "exact",      "fidelity"};

base::Result<Changes> Changes::open(pg::Connection& destination) {
  TRY_ASSIGN(std::string schema, store::history_schema(destination));
  return Changes(destination, store::changes_name(schema));
}

base::Result<pg::Rows> Changes::newest(const ChangeFilter& filter, std::int64_t limit) {
  TRY_ASSIGN(Where where, where_of(filter));
  std::string sql = fmt::format(
      "select * from (select {} from {}{} order by effective_at desc, epoch desc, commit_position "
      "desc, "
      "sequence desc limit {}) newest order by effective_at, epoch, commit_position, sequence",
      select_list, table_, where.clause(), limit);
  return destination_->query(sql, where.parameters());
}

base::Result<pg::Rows> Changes::after(const ChangeFilter& filter, const std::vector<Position>& seen,
                                      std::int64_t limit) {
  TRY_ASSIGN(Where where, where_of(filter));
  std::string known;
  std::string beyond;
  for (const Position& position : seen) {
    std::string source = where.bind(position.source);
    beyond += fmt::format("{}(source = {} and (epoch, commit_position, sequence) > ({}, {}, {}))",
                          beyond.empty() ? "" : " or ", source, position.epoch,
                          position.commit_position, position.sequence);
    known += (known.empty() ? "" : ", ") + source;
  }
  if (!seen.empty()) where.add_raw("(" + beyond + " or source not in (" + known + "))");
  std::string sql = fmt::format(
      "select {} from {}{} order by effective_at, epoch, commit_position, sequence limit {}",
      select_list, table_, where.clause(), limit);
  return destination_->query(sql, where.parameters());
}

base::Result<std::vector<Position>> Changes::ends() {
  std::string sql = fmt::format(
      "select s.name, c.epoch, c.commit_position, c.sequence from _bemi.source s cross join "
      "lateral "
      "(select epoch, commit_position, sequence from {} where source = s.name "
      "order by effective_at desc, epoch desc, commit_position desc, sequence desc limit 1) c",
      table_);
  TRY_ASSIGN(pg::Rows rows, destination_->run(sql));
  std::vector<Position> ends;
  for (int row = 0; row < rows.count(); ++row) {
    ends.push_back(
        {rows.text(row, 0), rows.integer(row, 1), rows.integer(row, 2), rows.integer(row, 3)});
  }
  return ends;
}

}  // namespace query
