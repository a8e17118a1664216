// SPDX-License-Identifier: LGPL-3.0-or-later
// The period of the trends, in buckets of the API.
import { ALL } from "../../components/range_picker.tsx";
import { tables } from "../../state.ts";
import { boundsOf } from "../../time.ts";

const DAY_MS = 86_400_000;
/** The most bars that fit. */
const BARS = 72;
const SPANS: [number, string][] = [
  [60, "1 minute"],
  [300, "5 minutes"],
  [900, "15 minutes"],
  [3600, "1 hour"],
  [10_800, "3 hours"],
  [21_600, "6 hours"],
  [86_400, "1 day"],
];
const LONGEST: [number, string] = [604_800, "7 days"];

export interface Period {
  since: number;
  until: number;
  /** The length of a bucket. */
  seconds: number;
  every: string;
}

/** The beginning of the oldest history. */
function beginning(): number | undefined {
  const times = (tables.value ?? []).map(({ since }) => Date.parse(since));
  return times.length === 0 ? undefined : Math.min(...times);
}

export function periodOf(range: string): Period {
  const bounds = boundsOf(range);
  const until = bounds.until ? Date.parse(bounds.until) : Date.now();
  const earliest = (range === ALL ? beginning() : undefined) ?? until - 30 * DAY_MS;
  const since = bounds.since ? Date.parse(bounds.since) : earliest;
  const [seconds, every] = SPANS.find(([span]) => (until - since) / 1000 / span <= BARS) ?? LONGEST;
  return { since, until, seconds, every };
}

/** The beginnings of the buckets, in seconds. PostgreSQL's date_bin counts them from 2000-01-01. */
export function bucketsOf({ since, until, seconds }: Period): number[] {
  const origin = Date.parse("2000-01-01T00:00:00Z") / 1000;
  const times: number[] = [];
  const first = origin + Math.floor((since / 1000 - origin) / seconds) * seconds;
  for (let time = first; time < until / 1000; time += seconds) times.push(time);
  return times;
}
