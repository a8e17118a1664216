// SPDX-License-Identifier: LGPL-3.0-or-later
// Trends: the number of changes over time, by operation, table or context.

import { get } from "../api.ts";
import { Choice } from "../components/choice.tsx";
import { ALL, RangePicker } from "../components/range_picker.tsx";
import { Select } from "../components/select.tsx";
import { Failed, Skeleton } from "../components/states.tsx";
import { useLoad } from "../components/use_load.ts";
import { HeatMap } from "../features/trends/heat_map.tsx";
import { Overview } from "../features/trends/overview.tsx";
import { periodOf } from "../features/trends/period.ts";
import { adjust, query } from "../router.ts";
import { contextKeys, tables } from "../state.ts";

const RANGE = "7d";
/** Keys with a new value in each request. */
const TOO_MANY = ["trace_id", "request_id", "span_id"];

export function Trends() {
  const range = query.value.get("range") ?? RANGE;
  const by = query.value.get("by") ?? "operation";
  return (
    <>
      <header class="page-head">
        <h1>Trends</h1>
        <div class="spacer" />
        <RangePicker byDefault={RANGE} />
      </header>
      <ByPicker by={by} />
      <Found range={range} by={by} />
    </>
  );
}

function Found({ range, by }: { range: string; by: string }) {
  const key = `${by}/${range}/${range === ALL && tables.value !== null}`;
  const { value, error, isLoading, retry } = useLoad(key, async (signal) => {
    const period = periodOf(range);
    const { since, until, every } = period;
    const ask = (from: number, to: number) =>
      get("/api/trends", { every, by, since: iso(from), until: iso(to) }, signal);
    const [now, before] = await Promise.all([ask(since, until), ask(2 * since - until, since)]);
    return { period, now: now.points, before: before.points };
  });
  if (error !== undefined) return <Failed error={error} retry={retry} />;
  if (!value) return <Skeleton lines={6} height={40} />;
  return (
    <div class={isLoading ? "is-stale" : ""}>
      <Overview {...value} by={by} key={key} />
      <HeatMap />
    </div>
  );
}

const iso = (time: number) => new Date(time).toISOString();

const OWN = [
  { value: "operation", name: "Operation" },
  { value: "table", name: "Table" },
];

function ByPicker({ by }: { by: string }) {
  const keys = (contextKeys.value ?? []).map(({ key }) => key).filter((key) => !TOO_MANY.includes(key));
  const isOwn = OWN.some(({ value }) => value === by);
  if (!isOwn && !keys.includes(by)) keys.unshift(by);
  return (
    <div class="row wrap group-by">
      <span class="muted">Group by</span>
      <Choice label="Group by" options={OWN} value={by} onChange={(next) => adjust({ by: next })} />
      <Select
        label="Context key"
        prompt="Context key…"
        value={isOwn ? "" : by}
        options={keys.map((key) => [key, key] as const)}
        onChange={(next) => adjust({ by: next })}
      />
    </div>
  );
}
