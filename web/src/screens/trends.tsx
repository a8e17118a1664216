// SPDX-License-Identifier: LGPL-3.0-or-later
// Trends: how much changes, of what, and when.

import type { ComponentType } from "preact";
import { useEffect, useMemo, useState } from "preact/hooks";
import { get } from "../api.ts";
import { contextField } from "../filter.ts";
import { Empty, Failed, RangePicker, Skeleton, useLoad } from "../parts/basics.tsx";
import type Chart from "../parts/chart.tsx";
import type { Series } from "../parts/chart.tsx";
import { adjust, link, query } from "../router.ts";
import { contextKeys } from "../state.ts";
import { boundsOf, count, shortTime } from "../time.ts";

interface Point {
  at: string;
  group: string | null;
  changes: number;
}

type Asked = { points: Point[] };

const SPANS: [number, string][] = [
  [60, "1 minute"],
  [300, "5 minutes"],
  [900, "15 minutes"],
  [3600, "1 hour"],
  [10_800, "3 hours"],
  [21_600, "6 hours"],
  [86_400, "1 day"],
  [604_800, "7 days"],
];
const BARS = 72;
const SERIES_MAX = 7;
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

const nameOf = (by: string, name: string): string =>
  by === "operation"
    ? (OPERATION_NAMES[name] ?? name)
    : by === "table"
      ? name.replace(/^public\./, "")
      : name;
const OPERATION_COLOURS: Record<string, string> = {
  CREATE: "--green-bar",
  UPDATE: "--blue-bar",
  DELETE: "--red-bar",
  TRUNCATE: "--violet-bar",
  SCHEMA: "--violet-bar",
};

function spanFor(seconds: number): [number, string] {
  return SPANS.find(([span]) => seconds / span <= BARS) ?? SPANS.at(-1)!;
}

export function Trends() {
  const range = query.value.get("range") ?? "7d";
  const by = query.value.get("by") ?? "operation";
  const bounds = boundsOf(range === "all" ? null : range);
  const until = bounds.until ? Date.parse(bounds.until) : Date.now();
  const since = bounds.since ? Date.parse(bounds.since) : until - 30 * 86_400_000;
  const [seconds, every] = spanFor((until - since) / 1000);
  const key = `${by}/${range}`;
  // The time before goes along: what has moved is told by comparing.
  const { value, error, isLoading, retry } = useLoad(key, (signal) =>
    get<Asked>(
      "/api/trends",
      { every, by, since: new Date(since - (until - since)).toISOString(), until: bounds.until },
      signal,
    ),
  );
  useEffect(() => {
    if (query.peek().get("range") === null) adjust({ range: "7d" }, "replace");
  }, []);
  return (
    <>
      <header class="page-head">
        <h1>Trends</h1>
        <div class="spacer" />
        <RangePicker />
      </header>
      <ByPicker by={by} />
      {error !== undefined ? (
        <Failed error={error} retry={retry} />
      ) : !value ? (
        <Skeleton lines={6} height={40} />
      ) : (
        <div class={isLoading ? "is-stale" : ""}>
          <Overview points={value.points} by={by} since={since} until={until} seconds={seconds} key={key} />
          <HeatMap />
        </div>
      )}
    </>
  );
}

function ByPicker({ by }: { by: string }) {
  const keys = (contextKeys.value ?? [])
    .map(({ key }) => key)
    .filter((key) => !["trace_id", "request_id", "span_id"].includes(key));
  const own = ["operation", "table"];
  return (
    <div class="row wrap group-by">
      <span class="muted">By</span>
      <div class="segmented" role="group" aria-label="By">
        {own.map((name) => (
          <button type="button" key={name} aria-pressed={by === name} onClick={() => adjust({ by: name })}>
            {name.charAt(0).toUpperCase() + name.slice(1)}
          </button>
        ))}
      </div>
      <select
        class="input"
        aria-label="By a key of the context"
        value={own.includes(by) ? "" : by}
        onChange={(event) => adjust({ by: event.currentTarget.value })}
      >
        <option value="" disabled>
          Context…
        </option>
        {keys.map((key) => (
          <option key={key} value={key}>
            {key}
          </option>
        ))}
      </select>
    </div>
  );
}

interface Totals {
  name: string;
  now: number;
  before: number;
}

function totalsOf(points: Point[], since: number): Totals[] {
  const found = new Map<string, Totals>();
  for (const { at, group, changes } of points) {
    const name = group ?? "(none)";
    const totals = found.get(name) ?? { name, now: 0, before: 0 };
    if (Date.parse(at) >= since) totals.now += changes;
    else totals.before += changes;
    found.set(name, totals);
  }
  return [...found.values()].sort((a, b) => b.now - a.now);
}

function seriesOf(points: Point[], names: string[], times: number[], isByOperation: boolean): Series[] {
  const place = new Map(times.map((time, i) => [time, i]));
  const rows = new Map([...names, "others"].map((name) => [name, times.map(() => 0)]));
  for (const { at, group, changes } of points) {
    const i = place.get(Date.parse(at) / 1000);
    const name = group ?? "(none)";
    if (i !== undefined) rows.get(rows.has(name) ? name : "others")![i]! += changes;
  }
  return [...rows]
    .filter(([name, values]) => name !== "others" || values.some((value) => value > 0))
    .map(([name, values], i) => ({
      name,
      values,
      colour:
        name === "others" || name === "(none)"
          ? "--text-3"
          : ((isByOperation ? OPERATION_COLOURS[name] : undefined) ?? COLOURS[i % COLOURS.length]!),
    }));
}

function Overview(props: { points: Point[]; by: string; since: number; until: number; seconds: number }) {
  const { points, by, since, until, seconds } = props;
  const [Plot, setPlot] = useState<ComponentType<Parameters<typeof Chart>[0]> | null>(null);
  const [hovered, setHovered] = useState<number | null>(null);
  useEffect(() => {
    void import("../parts/chart.tsx").then((module) => setPlot(() => module.default));
  }, []);
  const made = useMemo(() => {
    // Buckets begin where PostgreSQL's date_bin has them: counted from 2000-01-01.
    const origin = Date.parse("2000-01-01T00:00:00Z") / 1000;
    const first = origin + Math.ceil((since / 1000 - origin) / seconds) * seconds;
    const times: number[] = [];
    for (let time = first; time < until / 1000; time += seconds) times.push(time);
    const totals = totalsOf(points, first * 1000);
    const shown = totals.filter(({ now }) => now > 0).slice(0, SERIES_MAX);
    return {
      times,
      totals,
      series: seriesOf(
        points,
        shown.map(({ name }) => name),
        times,
        by === "operation",
      ),
    };
  }, [points]);
  const all = made.totals.reduce((sum, { now }) => sum + now, 0);
  if (all === 0) {
    return (
      <Empty icon="trends" title="Nothing has changed in this time">
        <p>Choose a longer time.</p>
      </Empty>
    );
  }
  return (
    <div class="trends-grid">
      <section class="card" aria-label="Changes over time">
        <header>
          <h2 class="number">{count(all)} changes</h2>
          <span class="muted number">
            {hovered === null ? "" : shortTime(new Date(made.times[hovered]! * 1000).toISOString())}
          </span>
        </header>
        <div class="body">
          {Plot ? (
            <Plot
              times={made.times}
              seconds={seconds}
              series={made.series}
              onHover={setHovered}
              onPick={(from, to) =>
                adjust({
                  range: `${new Date(from * 1000).toISOString()}..${new Date(to * 1000).toISOString()}`,
                })
              }
            />
          ) : (
            <div style={{ height: "260px" }} />
          )}
          <ul class="legend">
            {made.series.map(({ name, colour, values }) => (
              <li key={name} class="row">
                <span class="swatch" style={{ background: `var(${colour})` }} />
                <span class="ellipsis" title={name}>
                  {nameOf(by, name)}
                </span>
                <strong class="number">
                  {count(
                    hovered === null ? values.reduce((sum, value) => sum + value, 0) : (values[hovered] ?? 0),
                  )}
                </strong>
              </li>
            ))}
          </ul>
        </div>
      </section>
      <Movers totals={made.totals} by={by} />
    </div>
  );
}

function Movers({ totals, by }: { totals: Totals[]; by: string }) {
  const moved = [...totals]
    .filter(({ now, before }) => now !== before)
    .sort((a, b) => Math.abs(b.now - b.before) - Math.abs(a.now - a.before))
    .slice(0, 8);
  return (
    <section class="card" aria-label="Top movers">
      <header>
        <h2>Top movers</h2>
        <span class="muted">against the time before</span>
      </header>
      {moved.length === 0 && <p class="body muted">As before.</p>}
      <ul class="movers">
        {moved.map(({ name, now, before }) => (
          <li key={name}>
            <a href={moverLink(by, name)} class="ellipsis plain-link" title={name}>
              {nameOf(by, name)}
            </a>
            <span class="number">{count(now)}</span>
            <span class={`number move ${now > before ? "up" : "down"}`}>
              {before === 0
                ? "new"
                : `${now > before ? "+" : "−"}${count(Math.round((Math.abs(now - before) / before) * 100))} %`}
            </span>
          </li>
        ))}
      </ul>
    </section>
  );
}

function moverLink(by: string, name: string): string {
  if (name === "(none)") return link("/changes", { filter: `no:${by}` });
  if (by === "operation") return link("/changes", { filter: `op:${name.toLowerCase()}` });
  return link("/changes", {
    filter:
      by === "table" ? `table:${/["\s\\]/.test(name) ? JSON.stringify(name) : name}` : contextField(by, name),
  });
}

const DAYS = ["Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"];

function HeatMap() {
  const [since] = useState(() => new Date(Date.now() - 28 * 86_400_000).toISOString());
  const { value } = useLoad("heat", (signal) =>
    get<Asked>("/api/trends", { every: "1 hour", by: "source", since }, signal),
  );
  const cells = useMemo(() => {
    const sums = DAYS.map(() => Array.from({ length: 24 }, () => 0));
    for (const { at, changes } of value?.points ?? []) {
      const date = new Date(at);
      sums[(date.getDay() + 6) % 7]![date.getHours()]! += changes;
    }
    return sums;
  }, [value]);
  const most = Math.max(1, ...cells.flat());
  return (
    <section class="card heat-card" aria-label="When things change">
      <header>
        <h2>When things change</h2>
        <span class="muted">by weekday and hour, the last four weeks</span>
      </header>
      <div class="body heat-scroll" tabIndex={0} role="region" aria-label="Changes by weekday and hour">
        <table class="heat">
          <thead>
            <tr>
              <td />
              {Array.from({ length: 24 }, (_, hour) => (
                <th key={hour} scope="col">
                  <span class={hour % 3 === 0 ? "" : "visually-hidden"}>{hour}</span>
                </th>
              ))}
            </tr>
          </thead>
          <tbody>
            {cells.map((row, weekday) => (
              <tr key={DAYS[weekday]}>
                <th scope="row">{DAYS[weekday]}</th>
                {row.map((number, hour) => (
                  <td key={hour} title={`${DAYS[weekday]}, ${hour}:00: ${count(number)} changes`}>
                    <div
                      style={{
                        background:
                          number === 0
                            ? "var(--bg-active)"
                            : `color-mix(in oklab, var(--accent-fill) ${Math.round(14 + (number / most) * 86)}%, var(--bg-raised))`,
                      }}
                    />
                  </td>
                ))}
              </tr>
            ))}
          </tbody>
        </table>
      </div>
    </section>
  );
}
