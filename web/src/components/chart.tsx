// SPDX-License-Identifier: LGPL-3.0-or-later
// Stacked bars over time, drawn by uPlot.
import "uplot/dist/uPlot.min.css";
import { useEffect, useRef } from "preact/hooks";
import uPlot from "uplot";
import { count } from "../time.ts";

export interface Series {
  name: string;
  colour: string;
  values: number[];
}

const HEIGHT = 260;

function colourOf(name: string): string {
  // A canvas knows no light-dark(): what the browser makes of it is asked of an element.
  const probe = document.createElement("span");
  probe.style.color = `var(${name})`;
  document.body.append(probe);
  const colour = getComputedStyle(probe).color;
  probe.remove();
  return colour;
}

/** Each on top of those before it. */
function stacked(series: Series[]): number[][] {
  const sums: number[] = [];
  return series.map(({ values }) => values.map((value, i) => (sums[i] = (sums[i] ?? 0) + value)));
}

function options(
  series: Series[],
  width: number,
  seconds: number,
  onPick: (from: number, to: number) => void,
): uPlot.Options {
  const line = colourOf("--line");
  const text = colourOf("--text-3");
  const axis = {
    stroke: text,
    grid: { stroke: line, width: 1 },
    ticks: { show: false },
    font: "11px Inter Variable, sans-serif",
  };
  // The tallest is drawn first, the others over it.
  const drawn = [...series].reverse();
  return {
    width,
    height: HEIGHT,
    padding: [10, 6, 0, 0],
    legend: { show: false },
    cursor: { y: false, points: { show: false }, drag: { x: true, y: false, setScale: false } },
    select: { show: true, left: 0, top: 0, width: 0, height: 0 },
    scales: {
      y: { range: (_u, _low, high) => [0, Math.max(high * 1.06, 4)] },
      x: { time: true, range: (_u, low, high) => [low, high + seconds] },
    },
    axes: [
      { ...axis, grid: { show: false }, space: 70 },
      {
        ...axis,
        size: 46,
        space: 44,
        values: (_u, splits) => splits.map((split) => (Number.isInteger(split) ? count(split) : "")),
      },
    ],
    series: [
      {},
      ...drawn.map(({ name, colour }) => ({
        label: name,
        fill: colourOf(colour),
        width: 0,
        points: { show: false },
        paths: uPlot.paths.bars?.({ size: [0.82, 48], align: 1, gap: 0 }),
      })),
    ],
    hooks: {
      setSelect: [
        (plot) => {
          if (plot.select.width < 6) return;
          const from = plot.posToVal(plot.select.left, "x");
          const to = plot.posToVal(plot.select.left + plot.select.width, "x");
          plot.setSelect({ left: 0, top: 0, width: 0, height: 0 }, false);
          onPick(from, Math.max(to, from + seconds));
        },
      ],
    },
  };
}

export default function Chart(props: {
  times: number[];
  seconds: number;
  series: Series[];
  onPick: (from: number, to: number) => void;
  onHover: (at: number | null) => void;
}) {
  const root = useRef<HTMLDivElement>(null);
  useEffect(() => {
    const element = root.current;
    if (element === null) return;
    const made = options(props.series, element.clientWidth, props.seconds, props.onPick);
    made.hooks = { ...made.hooks, setCursor: [(plot) => props.onHover(plot.cursor.idx ?? null)] };
    const data = [props.times, ...stacked(props.series).reverse()] as uPlot.AlignedData;
    const plot = new uPlot(made, data, element);
    const observer = new ResizeObserver(() => plot.setSize({ width: element.clientWidth, height: HEIGHT }));
    observer.observe(element);
    return () => {
      observer.disconnect();
      plot.destroy();
    };
  }, [props.times, props.series]);
  return (
    <div
      ref={root}
      class="chart"
      style={{ height: `${HEIGHT}px` }}
      onPointerLeave={() => props.onHover(null)}
    />
  );
}
