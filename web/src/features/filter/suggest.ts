// SPDX-License-Identifier: LGPL-3.0-or-later
// Suggestions for the word at the caret.

import { contextKeys, sources, tables } from "../../state.ts";
import { contextField, FIELD_HINTS, quote, shortTableName, tokens } from "./filter.ts";

export interface Suggestion {
  text: string;
  hint: string;
}

export interface Offer {
  /** The part of the text that a suggestion replaces. */
  from: number;
  to: number;
  list: Suggestion[];
}

const SHOWN = 12;
const OPERATIONS = ["create", "update", "delete", "truncate", "schema", "snapshot"];

const plainly = (text: string): Suggestion => ({ text, hint: "" });

/** The fields, and the keys of contexts. */
function names(): Suggestion[] {
  return [
    ...FIELD_HINTS.map(([text, hint]) => ({ text, hint })),
    ...(contextKeys.value ?? []).map(({ key, share }) => ({
      text: contextField(key, "x").slice(0, -1),
      hint: `context of ${Math.round(share * 100)} % of changes`,
    })),
  ];
}

function tableNames(): Suggestion[] {
  return (tables.value ?? []).map(({ schema, table }) => {
    const short = shortTableName(schema, table);
    return { text: `table:${/["\s\\]/.test(short) ? quote(short) : short}`, hint: schema };
  });
}

function valuesOf(name: string): Suggestion[] {
  const keys = contextKeys.value ?? [];
  if (name === "table") return tableNames();
  if (name === "op" || name === "operation") return OPERATIONS.map((one) => plainly(`op:${one}`));
  if (name === "no") return keys.map(({ key }) => ({ text: `no:${quote(key)}`, hint: "not in the context" }));
  if (name === "source") return (sources.value ?? []).map(({ source }) => plainly(`source:${quote(source)}`));
  const known = keys.find(({ key }) => contextField(key, "x").toLowerCase().startsWith(`${name}:`));
  return known ? known.values.map((value) => plainly(contextField(known.key, value))) : [];
}

/** Suggestions for the word at the caret. */
export function suggest(text: string, caret: number): Offer {
  const token = tokens(text).find(({ from, to }) => from <= caret && caret <= to);
  const { from, to } = token ?? { from: caret, to: caret };
  const typed = text.slice(from, caret).toLowerCase();
  const colon = typed.indexOf(":");
  const all = colon < 0 ? names() : valuesOf(typed.slice(0, colon));
  const seen = new Set<string>();
  const list = all.filter((one) => {
    const lower = one.text.toLowerCase();
    const fits = lower.startsWith(typed) && lower !== typed && !seen.has(one.text);
    seen.add(one.text);
    return fits;
  });
  return { from, to, list: list.slice(0, SHOWN) };
}
