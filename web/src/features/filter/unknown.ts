// SPDX-License-Identifier: LGPL-3.0-or-later
// Names in a filter that the history does not know, with the one that may have been meant.
import { type Filter, shortTableName, tableName } from "./filter.ts";

/** Names that the history has; null while they are not loaded. */
export interface Known {
  tables: { schema: string; table: string }[] | null;
  keys: string[] | null;
  sources: string[] | null;
}

function pairs(word: string): Set<string> {
  const text = ` ${word.toLowerCase()} `;
  return new Set(Array.from({ length: text.length - 1 }, (_, i) => text.slice(i, i + 2)));
}

/** The known word that shares most pairs of letters, as the server compares them. */
export function closest(word: string, known: string[]): string | undefined {
  const wanted = pairs(word);
  let best: [number, string | undefined] = [0.5, undefined];
  for (const one of known) {
    const have = pairs(one);
    const shared = [...wanted].filter((pair) => have.has(pair)).length;
    const likeness = (2 * shared) / (wanted.size + have.size);
    if (likeness >= best[0] && (best[1] === undefined || likeness > best[0])) best = [likeness, one];
  }
  return best[1];
}

const plain = (name: string) => name.replace(/"/g, "").toLowerCase();

function sentence(what: string, word: string, known: string[]): string {
  const meant = closest(word, known);
  return `${what}${meant === undefined ? "" : `; did you mean ${meant}?`}`;
}

export function unknownNames(filter: Filter, { tables, keys, sources }: Known): string[] {
  const found: string[] = [];
  if (filter.table !== undefined && tables !== null) {
    const names = tables.flatMap(({ schema, table }) => [
      shortTableName(schema, table),
      tableName(schema, table),
    ]);
    const isKnown = names.some((name) => plain(name) === plain(filter.table ?? ""));
    if (!isKnown) found.push(sentence(`No table ${filter.table} is tracked`, filter.table, names));
  }
  if (filter.source !== undefined && sources !== null && !sources.includes(filter.source))
    found.push(sentence(`There is no source ${filter.source}`, filter.source, sources));
  for (const [key] of filter.context)
    if (keys !== null && keys.length > 0 && !keys.includes(key))
      found.push(sentence(`No recent context has the key ${key}`, key, keys));
  return found;
}
