// SPDX-License-Identifier: LGPL-3.0-or-later
// Times as people read them. Texts keep PostgreSQL's microseconds; a Date has none.
import { signal } from "@preact/signals";

const clock = new Intl.DateTimeFormat(undefined, {
  hour: "2-digit",
  minute: "2-digit",
  second: "2-digit",
  hour12: false,
});

const day = new Intl.DateTimeFormat(undefined, { day: "numeric", month: "short" });

const dayAndYear = new Intl.DateTimeFormat(undefined, { day: "numeric", month: "short", year: "numeric" });

const weekday = new Intl.DateTimeFormat(undefined, { weekday: "short", day: "numeric", month: "short" });

/** Ticks, so that "2 min ago" stays true. */
export const now = signal(Date.now());

setInterval(() => {
  now.value = Date.now();
}, 10_000);

export function clockTime(text: string): string {
  return clock.format(new Date(text));
}

export function dayName(text: string): string {
  const date = new Date(text);
  const today = new Date();
  if (date.toDateString() === today.toDateString()) return "Today";
  const yesterday = new Date(today.getFullYear(), today.getMonth(), today.getDate() - 1);
  if (date.toDateString() === yesterday.toDateString()) return "Yesterday";
  return date.getFullYear() === today.getFullYear() ? weekday.format(date) : dayAndYear.format(date);
}

export function shortTime(text: string): string {
  const date = new Date(text);
  const isToday = date.toDateString() === new Date().toDateString();
  return isToday ? clock.format(date) : `${day.format(date)}, ${clock.format(date)}`;
}

/** Local time with the microseconds, and UTC: for a title. */
export function exactTime(text: string): string {
  const date = new Date(text);
  const fraction = /\.(\d+)/.exec(text)?.[1] ?? "";
  const local = `${dayAndYear.format(date)} ${clock.format(date)}${fraction && `.${fraction}`}`;
  return `${local}\n${text.replace("T", " ").replace(/\+00:00$/, " UTC")}`;
}

const DAY: [number, string] = [86_400, "d"];
const STEPS: [number, [number, string]][] = [
  [60, [1, "s"]],
  [3600, [60, "min"]],
  [86_400, [3600, "h"]],
];

export function span(seconds: number): string {
  const [unit, name] = STEPS.find(([below]) => Math.abs(seconds) < below)?.[1] ?? DAY;
  return `${Math.floor(seconds / unit)} ${name}`;
}

export function ago(text: string): string {
  const seconds = (now.value - Date.parse(text)) / 1000;
  return seconds < 5 ? "just now" : `${span(seconds)} ago`;
}

/** What an <input type=datetime-local> holds. */
export function toInput(date: Date): string {
  const local = new Date(date.getTime() - date.getTimezoneOffset() * 60_000);
  return local.toISOString().slice(0, 19);
}

export const RANGES: { name: string; seconds: number; title: string }[] = [
  { name: "1h", seconds: 3600, title: "Last hour" },
  { name: "24h", seconds: 86_400, title: "Last 24 hours" },
  { name: "7d", seconds: 7 * 86_400, title: "Last 7 days" },
  { name: "30d", seconds: 30 * 86_400, title: "Last 30 days" },
];

/** The last days, by name, as ranges; the last of each weekday is among them. */
export function lastDays(now = new Date()): { name: string; range: string }[] {
  const begin = (back: number) => new Date(now.getFullYear(), now.getMonth(), now.getDate() - back);
  return Array.from({ length: 8 }, (_, back) => {
    const weekday = begin(back).toLocaleDateString("en-US", { weekday: "long" });
    return {
      name: back === 0 ? "Today" : back === 1 ? `Yesterday, ${weekday}` : `Last ${weekday}`,
      range: `${begin(back).toISOString()}..${back === 0 ? "" : begin(back - 1).toISOString()}`,
    };
  });
}

export interface Bounds {
  since?: string;
  until?: string;
}

/** `range` of the address: one of RANGES, "since..until", or nothing for all of it. */
export function boundsOf(range: string | null): Bounds {
  const named = RANGES.find(({ name }) => name === range);
  // To the minute, so that the same question stays the same for a while.
  if (named)
    return { since: new Date(Math.floor(Date.now() / 60_000) * 60_000 - named.seconds * 1000).toISOString() };
  const [since, until] = (range ?? "")
    .split("..")
    .map((text) => (Number.isNaN(Date.parse(text)) ? "" : text));
  return { ...(since && { since }), ...(until && { until }) };
}

export function rangeTitle(range: string | null): string {
  if (!range) return "All time";
  const named = RANGES.find(({ name }) => name === range);
  if (named) return named.title;
  const day = lastDays().find((one) => one.range === range);
  if (day) return day.name;
  const { since, until } = boundsOf(range);
  return `${since ? shortTime(since) : "…"} – ${until ? shortTime(until) : "now"}`;
}

export function count(number: number): string {
  return number.toLocaleString("en-US");
}

/** "1 row", "1,200 rows". */
export function plural(number: number, one: string, many = `${one}s`): string {
  return `${count(number)} ${number === 1 ? one : many}`;
}

export function bytes(number: number): string {
  if (number < 1000) return `${number} B`;
  if (number < 1e6) return `${(number / 1e3).toFixed(1)} kB`;
  if (number < 1e9) return `${(number / 1e6).toFixed(1)} MB`;
  return `${(number / 1e9).toFixed(2)} GB`;
}
