// SPDX-License-Identifier: LGPL-3.0-or-later
// The operation of a change, as a badge.
import type { Operation } from "../api.ts";

const OPERATION_NAMES: Record<Operation, string> = {
  CREATE: "Create",
  UPDATE: "Update",
  DELETE: "Delete",
  TRUNCATE: "Truncate",
  SNAPSHOT: "Baseline",
  SCHEMA: "Schema",
};

export function OperationBadge({ operation }: { operation: Operation }) {
  return <span class={`badge ${operation}`}>{OPERATION_NAMES[operation] ?? operation}</span>;
}
