// SPDX-License-Identifier: LGPL-3.0-or-later
//
// The limits of undoing.
#pragma once

#include <cstdint>

namespace bemi::revert::limits {

// Rows asked of a cursor at a time.
inline constexpr int fetched_rows = 2000;

// Transactions that are told apart in a selection; beyond it the newest.
inline constexpr int transactions_known_max = 10'000;

// And that a revert's context names: each of its changes is stored with it.
inline constexpr std::size_t transactions_named_max = 500;

// Conflicts that a plan shows with their values; all are counted.
inline constexpr int conflicts_shown_max = 100;

// And those that an error names.
inline constexpr std::size_t conflicts_named_max = 3;

// Rows of each table that a plan shows with what becomes of their values.
inline constexpr int examples_shown_max = 5;

// Transactions of deleted rows of which a plan says what else they deleted.
inline constexpr int related_transactions_max = 20;

// Rounds in which --cascade may find more to undo, and the changes that it may add.
inline constexpr int cascade_rounds_max = 20;
inline constexpr std::int64_t cascade_changes_max = 100'000;

// Number of rows refused by the source that --on-conflict skip leaves out.
inline constexpr int rejected_rows_max = 100;

// A source's own work is held up no longer than this by our waiting for its locks.
inline constexpr int lock_timeout_s = 10;

}  // namespace bemi::revert::limits
