// SPDX-License-Identifier: LGPL-3.0-or-later
// The address of the record that a change belongs to, at the version that the change made.
import { link } from "../../router.ts";
import { tableName } from "../filter/filter.ts";

export function recordLink(change: {
  id?: string;
  source: string;
  schema: string;
  table: string;
  primary_key: string | null;
}): string {
  return link("/record", {
    table: tableName(change.schema, change.table),
    key: change.primary_key ?? undefined,
    source: change.source,
    change: change.id,
  });
}
