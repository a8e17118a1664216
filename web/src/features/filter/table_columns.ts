// SPDX-License-Identifier: LGPL-3.0-or-later
import type { Table } from "../../api.ts";
import { tables } from "../../state.ts";
import { tableName } from "./filter.ts";

/** The names of a table's columns in its order; none while they are not known. */
export function columnNames(table: Table | undefined): string[] {
  return table?.columns?.map((column) => column.name) ?? [];
}

/** The columns of a table in its order; none while they are not known. `name`: with its schema, or one of public. */
export function columnsOf(name: string, source?: string): string[] {
  const isAsked = (one: Table) =>
    tableName(one.schema, one.table) === name && (source === undefined || one.source === source);
  return columnNames(tables.value?.find(isAsked));
}
