// SPDX-License-Identifier: LGPL-3.0-or-later
// A list of the tables that have a history.

import { shortTableName, tableName } from "../features/filter/filter.ts";
import { loadTables, tables } from "../state.ts";

export function TableSelect({
  value,
  onChange,
  label = "Table",
}: {
  value: string;
  onChange: (table: string) => void;
  label?: string;
}) {
  const names = [
    ...new Map(
      (tables.value ?? []).map(({ schema, table }) => [
        tableName(schema, table),
        shortTableName(schema, table),
      ]),
    ),
  ];
  return (
    <select
      class="input"
      aria-label={label}
      value={value}
      onFocus={() => void loadTables().catch(() => {})}
      onChange={(event) => onChange(event.currentTarget.value)}
    >
      {value === "" && <option value="">Choose a table…</option>}
      {value !== "" && !names.some(([name]) => name === value) && <option value={value}>{value}</option>}
      {names.map(([name, short]) => (
        <option key={name} value={name}>
          {short}
        </option>
      ))}
    </select>
  );
}
