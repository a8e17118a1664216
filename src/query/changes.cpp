// SPDX-License-Identifier: LGPL-3.0-or-later
#include "query/changes.hpp"

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "store/schema.hpp"

namespace query {
namespace {

constexpr const char* select_list =
    R"(id, source, database, schema, "table", primary_key, operation, before, after, context, )"
    R"(committed_at, effective_at, queued_at, created_at, transaction_id, position, epoch, )"
    R"(commit_position, sequence, exact, fidelity)";

// A WHERE clause under construction, with its parameters.
class Where {
 public:
  void add(std::string_view condition, std::string value) {
    parameters_.emplace_back(std::move(value));
    clause_ += clause_.empty() ? " where " : " and ";
    clause_ += fmt::format(fmt::runtime(condition), "$" + std::to_string(parameters_.size()));
  }
  std::string bind(std::string value) {
    parameters_.emplace_back(std::move(value));
    return "$" + std::to_string(parameters_.size());
  }
  void add_raw(const std::string& condition) {
    clause_ += (clause_.empty() ? " where " : " and ") + condition;
  }
  [[nodiscard]] const std::string& clause() const { return clause_; }
  // The conditions alone.
  [[nodiscard]] std::string conditions() const {
    return clause_.empty() ? "true" : clause_.substr(std::string_view(" where ").size());
  }
  [[nodiscard]] const std::vector<pg::Parameter>& parameters() const { return parameters_; }

 private:
  std::string clause_;
  std::vector<pg::Parameter> parameters_;
};

// 42 is stored as a number or as a string, whichever the application passed: either matches.
base::Status add_context(Where& where, const std::string& text) {
  std::size_t equals = text.find('=');
  if (equals == std::string::npos || equals == 0) {
    return base::fail(base::ErrorKind::usage, "not a context filter: " + text, "write KEY=VALUE");
  }
  std::string key = text.substr(0, equals);
  std::string value = text.substr(equals + 1);
  std::string as_text = where.bind(nlohmann::json{{key, value}}.dump());
  auto scalar = nlohmann::json::parse(value, nullptr, /*allow_exceptions=*/false);
  if (scalar.is_discarded() || !(scalar.is_number() || scalar.is_boolean())) {
    where.add_raw("context @> " + as_text + "::jsonb");
  } else {
    std::string as_scalar = where.bind(nlohmann::json{{key, scalar}}.dump());
    where.add_raw(
        fmt::format("(context @> {}::jsonb or context @> {}::jsonb)", as_text, as_scalar));
  }
  return {};
}

base::Result<Where> where_of(const ChangeFilter& filter) {
  Where where;
  if (filter.table) {
    where.add("\"table\" = {}", filter.table->table);
    if (!filter.table->schema.empty()) where.add("schema = {}", filter.table->schema);
  }
  if (filter.primary_key) where.add("primary_key = {}", *filter.primary_key);
  if (filter.operation) where.add("operation = {}", *filter.operation);
  if (filter.transaction) where.add("transaction_id = {}", std::to_string(*filter.transaction));
  if (filter.source) where.add("source = {}", *filter.source);
  if (filter.since) where.add("effective_at >= {}::timestamptz", *filter.since);
  if (filter.until) where.add("effective_at < {}::timestamptz", *filter.until);
  for (const std::string& text : filter.context) TRY(add_context(where, text));
  if (filter.after) {
    where.add_raw(fmt::format("(epoch, commit_position) > ({}, {})", filter.after->epoch,
                              filter.after->position));
  }
  if (!filter.ids.empty()) {
    where.add("id in (select id::uuid from jsonb_array_elements_text({}::jsonb) as ids (id))",
              nlohmann::json(filter.ids).dump());
  }
  return where;
}

}  // namespace

const std::vector<std::string> change_columns{
    "id",        "source",     "database",       "schema",   "table",        "primary_key",
    "operation", "before",     "after",          "context",  "committed_at", "effective_at",
    "queued_at", "created_at", "transaction_id", "position", "epoch",        "commit_position",
    "sequence",  "exact",      "fidelity"};

base::Result<Condition> condition_of(const ChangeFilter& filter) {
  TRY_ASSIGN(Where where, where_of(filter));
  return Condition{.sql = where.conditions(), .parameters = where.parameters()};
}

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
