// SPDX-License-Identifier: LGPL-3.0-or-later
// The filter bar's language:  table:todo user_id:42 op:update no:user_id "Sleep"
//
// A word with a colon is a field; one that is none of ours is a key of the context, which
// `context.KEY:` says outright. A word without a colon is looked for in rows and contexts.

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
  ["no:", "changes whose context lacks a key"],
];

export const emptyFilter = (): Filter => ({ context: [], without: [], texts: [] });

/** Reads one part, quoted or plain, up to a space or (in a name) a colon. */
function part(text: string, at: number, stopsAtColon: boolean): [string, number] {
  let value = "";
  let position = at;
  while (position < text.length) {
    const c = text[position]!;
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
    if (/\s/.test(text[at]!)) {
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
  if (token.value === "" && field !== "key") {
    problems.push(`${token.name}: needs a value`);
  } else if (field === undefined) {
    filter.context.push([token.name.replace(/^context\./, ""), token.value]);
  } else if (field === "no") {
    filter.without.push(token.value);
  } else if (field === "operation") {
    const operation = OPERATIONS[token.value.toLowerCase()];
    if (operation === undefined) problems.push(`op: is one of ${Object.keys(OPERATIONS).join(", ")}`);
    else filter.operation = operation;
  } else if (field === "transaction" && !/^\d+$/.test(token.value)) {
    problems.push("tx: is a number");
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
  const isOurs = FIELDS[key.toLowerCase()] !== undefined || key.startsWith("context.");
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

/** As the API wants it. */
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

export type FilterBody = Record<string, string | string[]>;

/** The same, in the body of a request. */
export function filterBody(parameters: [string, string][]): FilterBody {
  const body: FilterBody = {};
  for (const [name, value] of parameters) {
    const before = body[name];
    body[name] = before === undefined ? value : [before, value].flat();
  }
  return body;
}

/** And back, as people write it. */
export function filterText(body: FilterBody): string {
  const filter = emptyFilter();
  const all = (name: string): string[] => (body[name] === undefined ? [] : [body[name]!].flat());
  const one = (name: string): string | undefined => all(name)[0];
  const set = (name: "table" | "key" | "operation" | "transaction" | "source", from: string) => {
    const value = one(from);
    if (value !== undefined) filter[name] = value;
  };
  set("table", "table");
  set("key", "primary_key");
  set("operation", "operation");
  set("transaction", "transaction");
  set("source", "source");
  filter.context = all("context").map((pair) => [
    pair.slice(0, pair.indexOf("=")),
    pair.slice(pair.indexOf("=") + 1),
  ]);
  filter.without = all("without_context");
  filter.texts = all("q");
  return writeFilter(filter);
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
