// SPDX-License-Identifier: LGPL-3.0-or-later
// Columns in the order that people know from their table. The history has them in jsonb's.

/** Columns that change with every write: they say little, so they stand last where changes are summed up. */
const BOOKKEEPING =
  /^(((last_)?(updated|modified|changed)(_at|_on|_date|_time)?)|((row|lock|record)_version)|(updated|modified)At)$/;

/** The table's columns first, in its order; then what only old rows have. */
export function inTableOrder(names: readonly string[], columns: readonly string[]): string[] {
  const found = new Set(names);
  const inOrder = columns.filter((name) => found.has(name));
  const known = new Set(inOrder);
  return [...inOrder, ...[...found].filter((name) => !known.has(name))];
}

/** The same with what changes with every write at the end. */
export function tellingFirst(names: readonly string[], columns: readonly string[]): string[] {
  const inOrder = inTableOrder(names, columns);
  return [
    ...inOrder.filter((name) => !BOOKKEEPING.test(name)),
    ...inOrder.filter((name) => BOOKKEEPING.test(name)),
  ];
}
