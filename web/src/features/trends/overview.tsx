// SPDX-License-Identifier: LGPL-3.0-or-later
// Changes over time, with a legend.
import type { ComponentType } from "preact";
import { useEffect, useMemo, useState } from "preact/hooks";
import type { TrendPoint } from "../../api.ts";
import type Chart from "../../components/chart.tsx";
import type { Series } from "../../components/chart.tsx";
import { Empty } from "../../components/states.tsx";
import { adjust } from "../../router.ts";
import { count, plural, shortTime } from "../../time.ts";
import { Movers } from "./movers.tsx";
import { bucketsOf, type Period } from "./period.ts";
import { nameOf, SERIES_MAX, seriesOf, totalsOf } from "./series.ts";

interface Props {
  now: TrendPoint[];
  before: TrendPoint[];
  by: string;
  period: Period;
}

const isoOf = (seconds: number) => new Date(seconds * 1000).toISOString();

export function Overview({ now, before, by, period }: Props) {
  const [hovered, setHovered] = useState<number | null>(null);
  const { times, totals, series } = useMemo(() => {
    const times = bucketsOf(period);
    const totals = totalsOf(now, before);
    const shown = totals.filter((one) => one.now > 0).slice(0, SERIES_MAX);
    const names = shown.map(({ name }) => name);
    return { times, totals, series: seriesOf(now, names, times, by) };
  }, [now, before]);
  const all = totals.reduce((sum, one) => sum + one.now, 0);
  if (all === 0) {
    return (
      <Empty icon="trends" title="No changes in this period">
        <p>Choose a longer period.</p>
      </Empty>
    );
  }
  const time = hovered === null ? undefined : times[hovered];
  return (
    <div class="trends-grid">
      <section class="card" aria-label="Changes over time">
        <header>
          <h2 class="number">{plural(all, "change")}</h2>
          <span class="muted number">{time === undefined ? "" : shortTime(isoOf(time))}</span>
        </header>
        <div class="body">
          <Plot
            times={times}
            seconds={period.seconds}
            series={series}
            onHover={setHovered}
            onPick={(from, to) => adjust({ range: `${isoOf(from)}..${isoOf(to)}` })}
          />
          <Legend series={series} by={by} hovered={hovered} />
        </div>
      </section>
      <Movers totals={totals} by={by} />
    </div>
  );
}

type ChartProps = Parameters<typeof Chart>[0];

/** The chart comes in a file of its own: the other screens do not wait for it. */
function Plot(props: ChartProps) {
  const [Loaded, setLoaded] = useState<ComponentType<ChartProps> | null>(null);
  useEffect(() => {
    void import("../../components/chart.tsx").then((module) => setLoaded(() => module.default));
  }, []);
  return Loaded ? <Loaded {...props} /> : <div class="chart-space" />;
}

function Legend({ series, by, hovered }: { series: Series[]; by: string; hovered: number | null }) {
  const shownOf = (values: number[]) =>
    hovered === null ? values.reduce((sum, value) => sum + value, 0) : (values[hovered] ?? 0);
  return (
    <ul class="legend">
      {series.map(({ name, colour, values }) => (
        <li key={name} class="row">
          <span class="swatch" style={{ background: `var(${colour})` }} />
          <span class="ellipsis" title={name}>
            {nameOf(by, name)}
          </span>
          <strong class="number">{count(shownOf(values))}</strong>
        </li>
      ))}
    </ul>
  );
}
