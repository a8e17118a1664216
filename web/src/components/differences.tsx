// SPDX-License-Identifier: LGPL-3.0-or-later
// The differences between two versions of a row: in one line, or as a table.

import { useState } from "preact/hooks";
import { type Json, plain, type Row, same } from "../json.ts";
import { tellingFirst } from "./column_order.ts";
import { Icon } from "./icons.tsx";
import { Value } from "./value.tsx";

export interface Difference {
  name: string;
  before: Json | undefined;
  after: Json | undefined;
  isChanged: boolean;
}

interface Sides {
  before: Row;
  after: Row;
  operation: string;
  /** The table's, in its order. */
  columns: readonly string[];
}

export function differences(before: Row, after: Row, columns: readonly string[]): Difference[] {
  const names = new Set([...Object.keys(after), ...Object.keys(before)]);
  return tellingFirst([...names], columns).map((name) => {
    const [a, b] = [
      Object.hasOwn(before, name) ? before[name] : undefined,
      Object.hasOwn(after, name) ? after[name] : undefined,
    ];
    return { name, before: a, after: b, isChanged: !same(a, b) };
  });
}

/** "is_completed: false → true" in one line. */
export function Summary({ before, after, operation, columns }: Sides) {
  const all = differences(before, after, columns);
  const shown = operation === "UPDATE" ? all.filter(({ isChanged }) => isChanged) : all;
  if (operation === "SCHEMA") return <span class="summary mono">{plain(after.command ?? after)}</span>;
  if (shown.length === 0)
    return <span class="summary muted">{operation === "UPDATE" ? "no value changed" : "all rows"}</span>;
  return (
    <span class="summary">
      {shown.slice(0, 6).map(({ name, before: a, after: b }) => (
        <span class="pair" key={name}>
          <span class="name">{name}</span>{" "}
          {operation === "UPDATE" && (
            <>
              <span class="was">{clip(a)}</span> <span class="arrow">→</span>{" "}
            </>
          )}
          <span class={operation === "DELETE" ? "was" : "is"}>{clip(operation === "DELETE" ? a : b)}</span>
        </span>
      ))}
    </span>
  );
}

function clip(value: Json | undefined): string {
  if (value === null) return "null";
  if (value === undefined) return "–";
  if (value === "") return "“”";
  const text = plain(value);
  return text.length > 48 ? `${text.slice(0, 47)}…` : text;
}

export function DiffTable({ before, after, operation, columns }: Sides) {
  const [isWhole, setWhole] = useState(false);
  const all = differences(before, after, columns);
  const isUpdate = operation === "UPDATE";
  const changed = isUpdate ? all.filter(({ isChanged }) => isChanged) : all;
  const rest = all.length - changed.length;
  const shown = isWhole ? all : changed;
  return (
    <div class="diff">
      <table>
        <tbody>
          {shown.map(({ name, before: a, after: b, isChanged }) => (
            <tr key={name} class={isChanged ? "changed" : "same"}>
              <th scope="row" title={name}>
                {name}
              </th>
              <td>
                {isChanged && a !== undefined && (
                  <div class="old">
                    <span class="sign" title="before">
                      −
                    </span>
                    <Value value={a} />
                  </div>
                )}
                {isChanged && b !== undefined && (
                  <div class="new">
                    <span class="sign" title="after">
                      +
                    </span>
                    <Value value={b} />
                  </div>
                )}
                {!isChanged && (
                  <div class="kept">
                    <span class="sign" />
                    <Value value={b} />
                  </div>
                )}
              </td>
            </tr>
          ))}
        </tbody>
      </table>
      {isUpdate && rest > 0 && (
        <button type="button" class="unchanged" aria-expanded={isWhole} onClick={() => setWhole(!isWhole)}>
          <Icon name={isWhole ? "down" : "right"} size={13} />
          {isWhole ? "Hide" : "Show"} {rest} unchanged {rest === 1 ? "value" : "values"}
        </button>
      )}
      {all.length === 0 && (
        <p class="muted" style={{ padding: "8px 12px" }}>
          This change has no values.
        </p>
      )}
    </div>
  );
}
