// SPDX-License-Identifier: LGPL-3.0-or-later
import { tables } from "../../state.ts";
import { tableName } from "./filter.ts";

/** The columns of a table in its order; none while they are not known. `name`: with its schema, or one of public. */
export function columnsOf(name: string, source?: string): string[] {
  const known = tables.value?.find(
    (one) => tableName(one.schema, one.table) === name && (source === undefined || one.source === source),
  );
  return known?.columns?.map((column) => column.name) ?? [];
}
