// SPDX-License-Identifier: LGPL-3.0-or-later
// The filter bar's language:  table:todo user_id:42 op:update no:user_id "Sleep"
//
// A word with a colon is a field. A name that is no field is a key of the context; `context.KEY:`
// says so explicitly. A word without a colon is looked for in rows and contexts.

import type { Filter as Body } from "../../api.ts";

export interface Filter {
  table?: string;
  key?: string;
  operation?: string;
  transaction?: string;
  source?: string;
  context: [string, string][];
  without: string[];
  texts: string[];
}

export interface Token {
  kind: "field" | "text";
  name: string;
  value: string;
  from: number;
  to: number;
}

export interface Parsed {
  filter: Filter;
  problems: string[];
}

const OPERATIONS: Record<string, string> = {
  create: "CREATE",
  insert: "CREATE",
  update: "UPDATE",
  delete: "DELETE",
  truncate: "TRUNCATE",
  snapshot: "SNAPSHOT",
  schema: "SCHEMA",
  ddl: "SCHEMA",
};

const FIELDS: Record<string, "table" | "key" | "operation" | "transaction" | "source" | "no"> = {
  table: "table",
  key: "key",
  primary_key: "key",
  op: "operation",
  operation: "operation",
  tx: "transaction",
  transaction: "transaction",
  source: "source",
  no: "no",
  without: "no",
};

export const FIELD_HINTS: [string, string][] = [
  ["table:", "changes of one table"],
  ["op:", "create, update, delete, truncate, schema, snapshot"],
  ["key:", "one record, by its primary key"],
  ["tx:", "one transaction"],
  ["source:", "changes of one source"],
  ["no:", "changes without this context key"],
];

export const emptyFilter = (): Filter => ({ context: [], without: [], texts: [] });

/** Reads one part, quoted or plain, up to a space or (in a name) a colon. */
function part(text: string, at: number, stopsAtColon: boolean): [string, number] {
  let value = "";
  let position = at;
  while (position < text.length) {
    const c = text.charAt(position);
    if (/\s/.test(c) || (stopsAtColon && c === ":")) break;
    if (c === '"') {
      position += 1;
      while (position < text.length && text[position] !== '"') {
        if (text[position] === "\\" && position + 1 < text.length) position += 1;
        value += text[position];
        position += 1;
      }
      position += 1;
    } else {
      value += c;
      position += 1;
    }
  }
  return [value, Math.min(position, text.length)];
}

export function tokens(text: string): Token[] {
  const found: Token[] = [];
  let at = 0;
  while (at < text.length) {
    if (/\s/.test(text.charAt(at))) {
      at += 1;
      continue;
    }
    const from = at;
    const [name, end] = part(text, at, true);
    if (text[end] === ":" && name !== "") {
      const [value, stop] = part(text, end + 1, false);
      found.push({ kind: "field", name, value, from, to: stop });
      at = stop;
    } else {
      const [value, stop] = part(text, from, false);
      found.push({ kind: "text", name: "", value, from, to: stop });
      at = Math.max(stop, from + 1);
    }
  }
  return found;
}

function addField(filter: Filter, token: Token, problems: string[]): void {
  const field = FIELDS[token.name.toLowerCase()];
  if (token.name.startsWith("-")) {
    problems.push(`${token.name}: a filter cannot exclude; no:KEY finds changes without a key`);
  } else if (token.value === "" && field !== "key") {
    problems.push(`${token.name}: needs a value`);
  } else if (field !== undefined && field !== "no" && filter[field] !== undefined) {
    problems.push(`${token.name}: can be used only once`);
  } else if (field === undefined) {
    filter.context.push([token.name.replace(/^context\./, ""), token.value]);
  } else if (field === "no") {
    filter.without.push(token.value);
  } else if (field === "operation") {
    const operation = OPERATIONS[token.value.toLowerCase()];
    if (operation === undefined) problems.push(`op: must be one of ${Object.keys(OPERATIONS).join(", ")}`);
    else filter.operation = operation;
  } else if (field === "transaction" && !/^\d+$/.test(token.value)) {
    problems.push("tx: must be a number");
  } else {
    filter[field] = token.value;
  }
}

export function parseFilter(text: string): Parsed {
  const filter = emptyFilter();
  const problems: string[] = [];
  for (const token of tokens(text)) {
    if (token.kind === "field") addField(filter, token, problems);
    else if (token.value !== "") filter.texts.push(token.value);
  }
  return { filter, problems };
}

export function quote(value: string): string {
  return value === "" || /[\s":\\]/.test(value) ? `"${value.replace(/["\\]/g, "\\$&")}"` : value;
}

/** A table's name within a filter keeps the quotes that SQL wants. */
function field(name: string, value: string): string {
  const quoted = /[\s"\\]/.test(value) ? `"${value.replace(/["\\]/g, "\\$&")}"` : value;
  return `${name}:${quoted === "" ? '""' : quoted}`;
}

export function contextField(key: string, value: string): string {
  const isOurs = FIELDS[key.toLowerCase()] !== undefined || /^(context\.|-)/.test(key);
  const name = isOurs ? `context.${key}` : key;
  return field(/[\s":\\]/.test(name) ? quote(name) : name, value);
}

export function writeFilter(filter: Filter): string {
  const words: string[] = [];
  if (filter.table !== undefined) words.push(field("table", filter.table));
  if (filter.key !== undefined) words.push(field("key", filter.key));
  if (filter.operation !== undefined) words.push(`op:${filter.operation.toLowerCase()}`);
  if (filter.transaction !== undefined) words.push(`tx:${filter.transaction}`);
  if (filter.source !== undefined) words.push(field("source", filter.source));
  for (const [key, value] of filter.context) words.push(contextField(key, value));
  for (const key of filter.without) words.push(field("no", key));
  for (const text of filter.texts) words.push(quote(text));
  return words.join(" ");
}

/** The filter as parameters of the API. */
export function filterParameters(filter: Filter): [string, string][] {
  const pairs: [string, string][] = [];
  if (filter.table !== undefined) pairs.push(["table", filter.table]);
  if (filter.key !== undefined) pairs.push(["primary_key", filter.key]);
  if (filter.operation !== undefined) pairs.push(["operation", filter.operation]);
  if (filter.transaction !== undefined) pairs.push(["transaction", filter.transaction]);
  if (filter.source !== undefined) pairs.push(["source", filter.source]);
  for (const [key, value] of filter.context) pairs.push(["context", `${key}=${value}`]);
  for (const key of filter.without) pairs.push(["without_context", key]);
  for (const text of filter.texts) pairs.push(["q", text]);
  return pairs;
}

/** The same as the body of a request. */
export function filterBody(parameters: [string, string][]): Body {
  const body: Record<string, string | string[]> = {};
  for (const [name, value] of parameters) {
    const before = body[name];
    body[name] = before === undefined ? value : [before, value].flat();
  }
  return body as Body;
}

const listOf = (value: string | string[] | undefined): string[] =>
  value === undefined ? [] : [value].flat();

/** The body of a request as people write a filter. */
export function filterText(body: Body): string {
  const text = (value: string | number | undefined) => (value === undefined ? undefined : String(value));
  const known = {
    table: body.table,
    key: text(body.primary_key),
    operation: body.operation,
    transaction: text(body.transaction),
    source: body.source,
  };
  const given = Object.entries(known).filter(([, value]) => value !== undefined);
  const context = listOf(body.context).map((pair): [string, string] => {
    const at = pair.indexOf("=");
    return [pair.slice(0, at), pair.slice(at + 1)];
  });
  return writeFilter({
    ...Object.fromEntries(given),
    context,
    without: listOf(body.without_context),
    texts: listOf(body.q),
  });
}

/** A table's name as the API reads it: quoted where SQL would want it. */
export function tableName(schema: string, table: string): string {
  const one = (name: string) => (/^[a-z_][a-z0-9_$]*$/.test(name) ? name : `"${name.replace(/"/g, '""')}"`);
  return `${one(schema)}.${one(table)}`;
}

/** The same as people write it: what is in public needs no schema. */
export function shortTableName(schema: string, table: string): string {
  const name = tableName(schema, table);
  return schema === "public" ? name.slice("public.".length) : name;
}
