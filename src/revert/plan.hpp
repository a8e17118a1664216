// SPDX-License-Identifier: LGPL-3.0-or-later
//
// Plan: what undoing a selection of changes would do to the source, as a value. It was found by
// doing it in a transaction that was rolled back, so what it says was so a moment ago.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.hpp"

namespace bemi::revert {

// A change of the history, as far as a person needs to know whose it is.
struct ChangeRef {
  std::string id;
  std::int64_t transaction_id = 0;
  std::string effective_at;
  std::string context = "{}";  // JSON
};

// One column's values as text; nullopt is SQL NULL.
struct ColumnSides {
  std::string column;
  std::optional<std::string> ours;    // what the selected changes left
  std::optional<std::string> live;    // what is there now
  std::optional<std::string> target;  // what undoing would write
};

enum class ConflictKind {
  overwritten,  // a later change of somebody else wrote the same column
  built_on,     // a row that would be removed was changed by somebody else since
  deleted,      // somebody else deleted the row since
  taken,        // the key, or another unique value, belongs to another row now
  changed,      // the row is not as the history says: written meanwhile, or untracked
  missing,      // the row is not there, and the history does not say why
  referenced,   // rows of others refer to a row that would be removed
  orphan,       // a row that would come back refers to one that is gone
  unknown,      // the history does not have the old value
  rejected,     // the source refuses the row: a constraint says why
  table_gone,   // the table was dropped, or created again under the same name
};
std::string name(ConflictKind kind);
std::string sentence(ConflictKind kind);  // "deleted since": what is said of the row

struct Conflict {
  ConflictKind kind = ConflictKind::changed;
  std::string schema;
  std::string table;
  std::optional<std::string> key;  // the row's primary_key; none: a row without one
  std::vector<ColumnSides> columns;
  std::optional<ChangeRef> later;  // the change that stands in the way
  std::string constraint;          // referenced, orphan, taken, rejected
  std::string detail;              // a sentence more, or empty
};

// In a line: table, row, what is the matter, constraint.
std::string described(const Conflict& conflict);

struct Plan;
// Why a plan that is not applicable was not applied.
base::Error refusal(const Plan& plan);

struct Trigger {
  std::string name;
  std::string function;
  std::string events;  // "before update", "after insert or delete"
};

// Writes of a trigger or of a cascading foreign key, besides the plan.
struct SideEffect {
  std::string schema;
  std::string table;
  std::int64_t inserted = 0;
  std::int64_t updated = 0;
  std::int64_t deleted = 0;
};

// A column that is not what it was afterwards: a trigger wrote something else.
struct NotRestored {
  std::string column;
  std::int64_t rows = 0;
};

enum class RowEffect { restored, reverted, removed };
std::string_view name(RowEffect effect);

// A row that is written, with the values that are there (live) and that come (target).
struct ExampleRow {
  RowEffect effect = RowEffect::reverted;
  std::optional<std::string> key;
  std::vector<ColumnSides> columns;
};

struct TablePlan {
  std::string schema;
  std::string table;
  std::int64_t inserts = 0;  // rows that come back
  std::int64_t updates = 0;
  std::int64_t deletes = 0;  // rows that go
  std::int64_t already_undone = 0;
  std::int64_t skipped = 0;
  std::vector<Trigger> triggers;  // that fire
  std::vector<NotRestored> not_restored;
  std::vector<ExampleRow> examples;  // the first rows
  std::vector<std::string> statements;
  std::vector<std::string> notes;  // columns that are gone, values that are redacted
};

struct Plan {
  std::string source;
  std::int64_t changes = 0;                // selected
  std::int64_t extended = 0;               // of these, added by --cascade
  std::vector<std::int64_t> transactions;  // of the selected changes; the newest, if too many
  std::vector<TablePlan> tables;
  std::vector<Conflict> conflicts;  // the first of them
  std::int64_t conflict_count = 0;  // all of them
  std::vector<SideEffect> side_effects;
  std::vector<std::string> warnings;
  bool applicable = false;  // nothing stands in the way, and there is something to do
  double seconds = 0;       // that executing it took, and then holding its locks
  std::string digest;       // the same plan has the same

  [[nodiscard]] std::int64_t rows() const;
};

std::string to_json(const Plan& plan);

}  // namespace bemi::revert
