// SPDX-License-Identifier: LGPL-3.0-or-later
//
// The columns of the table `changes`, in the order in which they are read and shown. What selects,
// prints and exports changes is made of this list. A new column is added here, to a migration in
// contracts/history/tables, to store/copy_row, which writes it, and to contracts/openapi.json.
#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <string_view>

namespace bemi::change {

enum class ColumnForm : char { text, number, json, boolean };

struct ChangeColumn {
  std::string_view name;
  ColumnForm form = ColumnForm::text;
  bool in_table = false;  // where people read changes as a table in a terminal
};

inline constexpr std::array change_columns{
    ChangeColumn{"id"},
    ChangeColumn{"source"},
    ChangeColumn{"database"},
    ChangeColumn{"schema"},
    ChangeColumn{"table", ColumnForm::text, true},
    ChangeColumn{"primary_key", ColumnForm::text, true},
    ChangeColumn{"operation", ColumnForm::text, true},
    ChangeColumn{"before", ColumnForm::json, true},
    ChangeColumn{"after", ColumnForm::json, true},
    ChangeColumn{"context", ColumnForm::json, true},
    ChangeColumn{"committed_at", ColumnForm::text, true},
    ChangeColumn{"effective_at"},
    ChangeColumn{"queued_at"},
    ChangeColumn{"created_at"},
    ChangeColumn{"transaction_id", ColumnForm::number},
    ChangeColumn{"position", ColumnForm::number},
    ChangeColumn{"epoch", ColumnForm::number},
    ChangeColumn{"commit_position", ColumnForm::number},
    ChangeColumn{"sequence", ColumnForm::number},
    ChangeColumn{"exact", ColumnForm::json},
    ChangeColumn{"fidelity", ColumnForm::json},
    ChangeColumn{"context_verified", ColumnForm::boolean},
};

// The position of a column in the list. An unknown name does not compile.
consteval int change_column(std::string_view name) {
  const auto* found = std::ranges::find(change_columns, name, &ChangeColumn::name);
  if (found == change_columns.end()) throw 0;  // lint-ok: never at run time
  return static_cast<int>(found - change_columns.begin());
}

}  // namespace bemi::change
