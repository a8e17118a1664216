// SPDX-License-Identifier: LGPL-3.0-or-later
#include "render/redactions.hpp"

#include <algorithm>

#include "base/log.hpp"

namespace bemi::render {
namespace {

// The table that the rows of this one are named by.
change::Oid named_by(const change::Relation& relation) {
  return relation.root == 0 ? relation.oid : relation.root;
}

void set(change::Column& column, const std::string& pattern) {
  column.redacted = true;
  column.redacted_by = pattern;
}

}  // namespace

void Redactions::remember(const change::Relation& relation) {
  change::Relation kept = relation;
  for (change::Column& column : kept.columns) {
    column.redacted = column.redacted && selection_->has_redaction(column.redacted_by);
  }
  memorize(kept);
}

void Redactions::memorize(const change::Relation& relation) {
  for (const change::Column& column : relation.columns) {
    if (!column.redacted) continue;
    if (column.number != 0)
      memory_[named_by(relation)].by_number[column.number] = column.redacted_by;
    if (relation.root != 0) memory_[relation.oid].by_name[column.name] = column.redacted_by;
    for (change::Oid leaf : relation.leaves) {
      memory_[leaf].by_name[column.name] = column.redacted_by;
    }
  }
}

const std::string* Redactions::pattern_of(const change::Relation& relation,
                                          const change::Column& column) const {
  const std::string* pattern = selection_->redacting(relation.schema, relation.table, column.name);
  auto memory = memory_.find(named_by(relation));
  if (pattern != nullptr || memory == memory_.end()) return pattern;
  if (auto known = memory->second.by_number.find(column.number);
      column.number != 0 && known != memory->second.by_number.end())
    return &known->second;
  auto known = memory->second.by_name.find(column.name);
  return known == memory->second.by_name.end() ? nullptr : &known->second;
}

// The columns that have a redacted column's values, by the catalog.
base::Status Redactions::follow_ties(change::Relation& relation) {
  TRY_ASSIGN(auto ties, catalog_->column_ties(named_by(relation)));
  for (const wal::ColumnTie& tie : ties) {
    auto column = std::ranges::find(relation.columns, tie.column, &change::Column::name);
    if (column == relation.columns.end() || column->redacted) continue;
    if (tie.relation == 0) {
      auto base = std::ranges::find(relation.columns, tie.of, &change::Column::name);
      if (base != relation.columns.end() && base->redacted) set(*column, base->redacted_by);
      continue;
    }
    change::Relation ancestor{
        .oid = tie.relation, .schema = tie.schema, .table = tie.table, .columns = {}};
    change::Column same{.name = tie.of, .type = {}, .number = tie.number};
    if (const std::string* pattern = pattern_of(ancestor, same)) set(*column, *pattern);
  }
  return {};
}

base::Status Redactions::mark(change::Relation& relation) {
  for (change::Column& column : relation.columns) {
    column.redacted = false;
    column.redacted_by.clear();
  }
  if (!selection_->redacts_any()) return {};
  for (change::Column& column : relation.columns) {
    if (const std::string* pattern = pattern_of(relation, column)) set(column, *pattern);
  }
  TRY(follow_ties(relation));
  memorize(relation);
  for (const change::Column& column : relation.columns) {
    if (column.redacted) say(relation, column);
  }
  drop_key(relation);
  return {};
}

// Once, where the configuration does not name the column itself.
void Redactions::say(const change::Relation& relation, const change::Column& column) {
  if (selection_->redacts(relation.schema, relation.table, column.name)) return;
  if (!said_.emplace(named_by(relation), column.name).second) return;
  base::log::warning(
      "{}.{}.{} has the values of {} and is redacted like it; name it in --redact-column",
      relation.schema, relation.table, column.name, column.redacted_by);
}

void Redactions::drop_key(change::Relation& relation) {
  auto redacted = std::ranges::find_if(
      relation.primary_key, [&](std::size_t index) { return relation.columns[index].redacted; });
  if (redacted == relation.primary_key.end()) return;
  if (said_.emplace(named_by(relation), "").second) {
    base::log::warning(
        "the primary key of {}.{} has the redacted column {}: its rows are stored without a key",
        relation.schema, relation.table, relation.columns[*redacted].name);
  }
  relation.primary_key.clear();
}

}  // namespace bemi::render
