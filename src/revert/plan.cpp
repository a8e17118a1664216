// SPDX-License-Identifier: LGPL-3.0-or-later
#include "revert/plan.hpp"

#include <algorithm>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "revert/limits.hpp"

namespace bemi::revert {
namespace {

using nlohmann::ordered_json;

ordered_json optional(const std::optional<std::string>& text) {
  return text ? ordered_json(*text) : ordered_json();
}

ordered_json json_of(const ChangeRef& change) {
  return {{"id", change.id},
          {"transaction_id", change.transaction_id},
          {"effective_at", change.effective_at},
          {"context", ordered_json::parse(change.context, nullptr, /*allow_exceptions=*/false)}};
}

ordered_json json_of(const Conflict& conflict) {
  ordered_json object = {{"kind", name(conflict.kind)},
                         {"schema", conflict.schema},
                         {"table", conflict.table},
                         {"primary_key", optional(conflict.key)}};
  object["columns"] = ordered_json::array();
  for (const ColumnSides& sides : conflict.columns) {
    object["columns"].push_back({{"column", sides.column},
                                 {"ours", optional(sides.ours)},
                                 {"live", optional(sides.live)},
                                 {"target", optional(sides.target)}});
  }
  object["later"] = conflict.later ? json_of(*conflict.later) : ordered_json();
  object["constraint"] = conflict.constraint;
  object["detail"] = conflict.detail;
  return object;
}

ordered_json json_of(const ExampleRow& row) {
  auto columns = ordered_json::array();
  for (const ColumnSides& sides : row.columns) {
    columns.push_back({{"column", sides.column},
                       {"live", optional(sides.live)},
                       {"target", optional(sides.target)}});
  }
  return {{"effect", name(row.effect)},
          {"primary_key", optional(row.key)},
          {"columns", std::move(columns)}};
}

ordered_json json_of(const TablePlan& table) {
  ordered_json object = {{"schema", table.schema},   {"table", table.table},
                         {"inserts", table.inserts}, {"updates", table.updates},
                         {"deletes", table.deletes}, {"already_undone", table.already_undone},
                         {"skipped", table.skipped}};
  object["triggers"] = ordered_json::array();
  for (const Trigger& trigger : table.triggers) {
    object["triggers"].push_back(
        {{"name", trigger.name}, {"function", trigger.function}, {"events", trigger.events}});
  }
  object["not_restored"] = ordered_json::array();
  for (const NotRestored& column : table.not_restored) {
    object["not_restored"].push_back({{"column", column.column}, {"rows", column.rows}});
  }
  object["examples"] = ordered_json::array();
  for (const ExampleRow& row : table.examples) object["examples"].push_back(json_of(row));
  object["statements"] = table.statements;
  object["notes"] = table.notes;
  return object;
}

}  // namespace

std::string_view name(RowEffect effect) {
  switch (effect) {
    case RowEffect::restored: return "restored";
    case RowEffect::reverted: return "reverted";
    case RowEffect::removed: return "removed";
  }
  return "";
}

std::string name(ConflictKind kind) {
  switch (kind) {
    case ConflictKind::overwritten: return "overwritten";
    case ConflictKind::built_on: return "built_on";
    case ConflictKind::deleted: return "deleted";
    case ConflictKind::taken: return "taken";
    case ConflictKind::changed: return "changed";
    case ConflictKind::missing: return "missing";
    case ConflictKind::referenced: return "referenced";
    case ConflictKind::orphan: return "orphan";
    case ConflictKind::unknown: return "unknown";
    case ConflictKind::rejected: return "rejected";
    case ConflictKind::table_gone: return "table_gone";
  }
  return "";
}

std::string sentence(ConflictKind kind) {
  switch (kind) {
    case ConflictKind::overwritten: return "changed again since";
    case ConflictKind::built_on: return "to be removed, but others have changed it since";
    case ConflictKind::deleted: return "deleted since";
    case ConflictKind::taken: return "its key or another unique value is taken";
    case ConflictKind::changed: return "not as the history says";
    case ConflictKind::missing: return "not there, and the history does not say why";
    case ConflictKind::referenced: return "to be removed, but others refer to it";
    case ConflictKind::orphan: return "would refer to a row that is not there";
    case ConflictKind::unknown: return "the history does not have its earlier value";
    case ConflictKind::rejected: return "refused by the source";
    case ConflictKind::table_gone: return "the table is gone";
  }
  return "";
}

std::string described(const Conflict& conflict) {
  std::string line = conflict.schema + "." + conflict.table;
  if (conflict.key) line += " " + *conflict.key;
  line += ": " + sentence(conflict.kind);
  if (!conflict.detail.empty()) line += ": " + conflict.detail;
  bool named = conflict.detail.find(conflict.constraint) != std::string::npos;
  if (!named) line += " (" + conflict.constraint + ")";
  return line;
}

base::Error refusal(const Plan& plan) {
  base::Error error;
  error.kind = base::ErrorKind::conflict;
  bool one = plan.conflict_count == 1;
  error.message = fmt::format("{} {} in conflict, nothing was undone", plan.conflict_count,
                              one ? "row is" : "rows are");
  auto shown = std::min<std::size_t>(plan.conflicts.size(), limits::conflicts_named_max);
  for (std::size_t i = 0; i < shown; ++i) {
    error.message += (i == 0 ? ": " : "; ") + described(plan.conflicts[i]);
  }
  if (plan.conflict_count > static_cast<std::int64_t>(shown)) error.message += "; ...";
  error.hint = "see the plan; then --on-conflict skip or force, or --cascade";
  return error;
}

std::int64_t Plan::rows() const {
  std::int64_t sum = 0;
  for (const TablePlan& table : tables) sum += table.inserts + table.updates + table.deletes;
  return sum;
}

std::string to_json(const Plan& plan) {
  ordered_json json = {{"source", plan.source},         {"changes", plan.changes},
                       {"extended", plan.extended},     {"transactions", plan.transactions},
                       {"applicable", plan.applicable}, {"digest", plan.digest},
                       {"seconds", plan.seconds}};
  json["tables"] = ordered_json::array();
  for (const TablePlan& table : plan.tables) json["tables"].push_back(json_of(table));
  json["conflict_count"] = plan.conflict_count;
  json["conflicts"] = ordered_json::array();
  for (const Conflict& conflict : plan.conflicts) json["conflicts"].push_back(json_of(conflict));
  json["side_effects"] = ordered_json::array();
  for (const SideEffect& effect : plan.side_effects) {
    json["side_effects"].push_back({{"schema", effect.schema},
                                    {"table", effect.table},
                                    {"inserted", effect.inserted},
                                    {"updated", effect.updated},
                                    {"deleted", effect.deleted}});
  }
  json["warnings"] = plan.warnings;
  return json.dump(-1, ' ', /*ensure_ascii=*/false, ordered_json::error_handler_t::replace);
}

}  // namespace bemi::revert
