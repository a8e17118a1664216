// SPDX-License-Identifier: LGPL-3.0-or-later
// Counts of a plan.
import type { Plan } from "../../api.ts";
import { plural } from "../../time.ts";

export function rowsOf(plan: Plan): number {
  return plan.tables.reduce((sum, { inserts, updates, deletes }) => sum + inserts + updates + deletes, 0);
}

export const rows = (number: number): string => plural(number, "row");
