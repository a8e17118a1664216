// SPDX-License-Identifier: LGPL-3.0-or-later
// JSON that keeps its digits: a number that a double would change stays as text.

export class Exact {
  readonly text: string;
  constructor(text: string) {
    this.text = text;
  }
  toString(): string {
    return this.text;
  }
}

export type Json = null | boolean | string | number | Exact | Json[] | { [key: string]: Json };

export type Row = { [key: string]: Json };
/** An integer of 64 bits: a number where it is one exactly. */
export type Integer = number | Exact;

type Reviver = (this: unknown, key: string, value: unknown, context?: { source?: string }) => unknown;

const exactly: Reviver = (_key, value, context) =>
  typeof value === "number" && context?.source !== undefined && String(value) !== context.source
    ? new Exact(context.source)
    : value;

export function parse<T>(text: string): T {
  return JSON.parse(text, exactly as (key: string, value: unknown) => unknown) as T;
}

/** One line, as JSON writes it, with the digits that came. */
export function write(value: Json, indent = ""): string {
  if (value instanceof Exact) return value.text;
  if (value === null || typeof value !== "object") return JSON.stringify(value);
  const inner = indent && `${indent}  `;
  const [open, close] = Array.isArray(value) ? ["[", "]"] : ["{", "}"];
  const items = Array.isArray(value)
    ? value.map((item) => write(item, inner))
    : Object.entries(value).map(([key, item]) => `${JSON.stringify(key)}: ${write(item, inner)}`);
  if (items.length === 0) return open + close;
  return indent === ""
    ? open + items.join(", ") + close
    : `${open}${inner}${items.join(`,${inner}`)}${indent}${close}`;
}

export const pretty = (value: Json): string => write(value, "\n");

export function same(a: Json | undefined, b: Json | undefined): boolean {
  if (a === b) return true;
  if (a === undefined || b === undefined) return false;
  return write(a) === write(b);
}

/** As a person reads it in a line: strings without quotes. */
export function plain(value: Json | undefined): string {
  if (value === undefined) return "";
  return typeof value === "string" ? value : write(value);
}
