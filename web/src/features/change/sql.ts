// SPDX-License-Identifier: LGPL-3.0-or-later
// A change as the SQL statement that repeats it, for a person to read and adapt.

import type { Change } from "../../api.ts";
import { Exact, type Json, type Row, same, write } from "../../json.ts";

export function identifier(name: string): string {
  return /^[a-z_][a-z0-9_]*$/.test(name) ? name : `"${name.replace(/"/g, '""')}"`;
}

export function literal(value: Json): string {
  if (value === null) return "NULL";
  if (typeof value === "boolean") return value ? "TRUE" : "FALSE";
  if (typeof value === "number" || value instanceof Exact) return String(value);
  const text = typeof value === "string" ? value : write(value);
  return `'${text.replace(/'/g, "''")}'`;
}

function where(row: Row, key: string[] | null): string {
  const names = key !== null && key.length > 0 ? key : Object.keys(row);
  const conditions = names.map((name) => {
    const value = row[name] ?? null;
    return value === null ? `${identifier(name)} IS NULL` : `${identifier(name)} = ${literal(value)}`;
  });
  return conditions.join(" AND ");
}

export function asSql(change: Change, key: string[] | null): string {
  const name = `${identifier(change.schema)}.${identifier(change.table)}`;
  switch (change.operation) {
    case "CREATE":
    case "SNAPSHOT": {
      const columns = Object.keys(change.after);
      return `INSERT INTO ${name} (${columns.map(identifier).join(", ")})\nVALUES (${columns.map((column) => literal(change.after[column] ?? null)).join(", ")});`;
    }
    case "UPDATE": {
      const sets = Object.keys(change.after)
        .filter((column) => !same(change.before[column], change.after[column]))
        .map((column) => `${identifier(column)} = ${literal(change.after[column] ?? null)}`);
      const old = Object.keys(change.before).length > 0 ? change.before : change.after;
      return `UPDATE ${name}\nSET ${sets.join(", ")}\nWHERE ${where(old, key)};`;
    }
    case "DELETE":
      return `DELETE FROM ${name}\nWHERE ${where(change.before, key)};`;
    case "TRUNCATE":
      return `TRUNCATE ${name};`;
    default:
      return `-- ${change.operation} of ${name}`;
  }
}
