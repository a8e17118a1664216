// SPDX-License-Identifier: LGPL-3.0-or-later
// Points of the API as totals and as series of a chart.
import type { TrendPoint } from "../../api.ts";
import type { Series } from "../../components/chart.tsx";

/** So many series have a colour of their own. The rest is drawn together. */
export const SERIES_MAX = 7;
const OTHERS = "others";
export const NONE = "(none)";

const COLOURS = [
  "--accent-fill",
  "--chart-6",
  "--chart-4",
  "--chart-7",
  "--chart-5",
  "--violet-bar",
  "--text-2",
];

const OPERATION_NAMES: Record<string, string> = {
  CREATE: "Created",
  UPDATE: "Updated",
  DELETE: "Deleted",
  TRUNCATE: "Truncated",
  SCHEMA: "Schema",
};

const OPERATION_COLOURS: Record<string, string> = {
  CREATE: "--green-bar",
  UPDATE: "--blue-bar",
  DELETE: "--red-bar",
  TRUNCATE: "--violet-bar",
  SCHEMA: "--violet-bar",
};

export function nameOf(by: string, name: string): string {
  if (by === "operation") return OPERATION_NAMES[name] ?? name;
  return by === "table" ? name.replace(/^public\./, "") : name;
}

export interface Totals {
  name: string;
  now: number;
  before: number;
}

/** The changes of a period and of the one before it, the most frequent first. */
export function totalsOf(now: TrendPoint[], before: TrendPoint[]): Totals[] {
  const found = new Map<string, Totals>();
  const add = (points: TrendPoint[], when: "now" | "before") => {
    for (const { group, changes } of points) {
      const name = group ?? NONE;
      const totals = found.get(name) ?? { name, now: 0, before: 0 };
      totals[when] += changes;
      found.set(name, totals);
    }
  };
  add(now, "now");
  add(before, "before");
  return [...found.values()].sort((a, b) => b.now - a.now);
}

function colourOf(name: string, i: number, by: string): string {
  if (name === OTHERS || name === NONE) return "--text-3";
  const own = by === "operation" ? OPERATION_COLOURS[name] : undefined;
  return own ?? COLOURS[i % COLOURS.length] ?? "--text-2";
}

export function seriesOf(points: TrendPoint[], names: string[], times: number[], by: string): Series[] {
  const place = new Map(times.map((time, i) => [time, i]));
  const rows = new Map<string, number[]>([...names, OTHERS].map((name) => [name, times.map(() => 0)]));
  for (const { at, group, changes } of points) {
    const i = place.get(Date.parse(at) / 1000);
    const row = rows.get(group ?? NONE) ?? rows.get(OTHERS);
    if (i !== undefined && row) row[i] = (row[i] ?? 0) + changes;
  }
  return [...rows]
    .filter(([name, values]) => name !== OTHERS || values.some((value) => value > 0))
    .map(([name, values], i) => ({ name, values, colour: colourOf(name, i, by) }));
}
