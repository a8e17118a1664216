// SPDX-License-Identifier: LGPL-3.0-or-later
// Changes over time, stacked by operation. A drag chooses a time range.

import { useState } from "preact/hooks";
import { type Bucket, type Histogram as Counts, get } from "../../api.ts";
import { useLoad } from "../../components/use_load.ts";
import { count, plural, shortTime } from "../../time.ts";
import { Bars, CHANGED, NAMES, type Scale, scaleOf, total } from "./bars.tsx";

interface Props {
  parameters: [string, string][];
  version: number;
  onBrush?: (since: string, until: string) => void;
  /** A click chooses a time; `picked` is the chosen one. */
  onPick?: (at: string) => void;
  picked?: string;
}

export function Histogram(props: Props) {
  const key = JSON.stringify(props.parameters);
  const { value, error } = useLoad(`${key}#${props.version}`, (signal) =>
    get("/api/histogram", [...props.parameters, ["buckets", "90"]], signal),
  );
  const changes = value?.buckets.reduce((sum, bucket) => sum + total(bucket, CHANGED), 0);
  return (
    <div
      class="histogram"
      role="img"
      aria-label={changes === undefined ? "Changes over time" : `${plural(changes, "change")} over time`}
    >
      {value ? (
        <Plot {...props} counts={value} scale={scaleOf(value)} />
      ) : (
        error !== undefined && <p class="note">{error instanceof Error ? error.message : "No counts"}</p>
      )}
    </div>
  );
}

function Plot(props: Props & { counts: Counts; scale: Scale }) {
  const { counts, scale, picked, onBrush } = props;
  const length = scale.to - scale.from;
  const { drag, pointer, handlers } = useDrag((from, to) => choose(props, from, to));
  const time = pointer === null ? null : scale.from + pointer * length;
  const hovered = counts.buckets.find(({ at }) => {
    const begin = Date.parse(at);
    return time !== null && begin <= time && time < begin + scale.step;
  });
  const place = (share: number) => Math.max(0.09, Math.min(0.91, share));
  return (
    <>
      <div class="plot" {...handlers}>
        <Bars counts={counts} scale={scale} hovered={hovered} />
        {picked && <Mark at={(Date.parse(picked) - scale.from) / length} />}
        {drag && onBrush && <Brush from={Math.min(...drag)} to={Math.max(...drag)} />}
        {hovered && !drag && pointer !== null && (
          <Tip bucket={hovered} at={place(pointer)} isEstimated={counts.estimated} />
        )}
      </div>
      <div class="axis">
        <span>{shortTime(iso(scale.from))}</span>
        <span class="hide-phone">
          {counts.estimated
            ? "estimated from a sample"
            : props.onPick
              ? "click to choose a time"
              : "drag to choose a period"}
        </span>
        <span>{scale.to > Date.now() ? "now" : shortTime(iso(scale.to))}</span>
      </div>
    </>
  );
}

const iso = (time: number) => new Date(time).toISOString();

/** Less than this share of the width is a click. */
const CLICK = 0.008;

/** A click chooses a time, a drag a period; both as shares of the width. */
function choose({ onPick, onBrush, scale }: Props & { scale: Scale }, from: number, to: number): void {
  const timeAt = (share: number) => iso(scale.from + share * (scale.to - scale.from));
  if (onPick) onPick(timeAt(to));
  else if (Math.abs(from - to) > CLICK) onBrush?.(timeAt(Math.min(from, to)), timeAt(Math.max(from, to)));
}

type Pointer = PointerEvent & { currentTarget: HTMLDivElement };

function useDrag(onEnd: (from: number, to: number) => void) {
  const [drag, setDrag] = useState<[number, number] | null>(null);
  const [pointer, setPointer] = useState<number | null>(null);
  const share = (event: Pointer) => {
    const box = event.currentTarget.getBoundingClientRect();
    return Math.max(0, Math.min(1, (event.clientX - box.left) / box.width));
  };
  const handlers = {
    onPointerDown: (event: Pointer) => {
      if (event.button !== 0) return;
      event.currentTarget.setPointerCapture(event.pointerId);
      setDrag([share(event), share(event)]);
    },
    onPointerMove: (event: Pointer) => {
      setPointer(share(event));
      if (drag) setDrag([drag[0], share(event)]);
    },
    onPointerUp: () => {
      if (drag) onEnd(...drag);
      setDrag(null);
    },
    onPointerCancel: () => setDrag(null),
    onPointerLeave: () => setPointer(null),
  };
  return { drag, pointer, handlers };
}

function Brush({ from, to }: { from: number; to: number }) {
  return <div class="brush" style={{ left: `${from * 100}%`, width: `${(to - from) * 100}%` }} />;
}

function Mark({ at }: { at: number }) {
  return <div class="mark" style={{ left: `${Math.max(0, Math.min(1, at)) * 100}%` }} />;
}

function Tip({ bucket, at, isEstimated }: { bucket: Bucket; at: number; isEstimated: boolean }) {
  return (
    <div class="tip" style={{ left: `${at * 100}%` }}>
      <strong>{shortTime(bucket.at)}</strong>
      {([...CHANGED, "baseline"] as const)
        .filter((kind) => Number(bucket[kind]) > 0)
        .map((kind) => (
          <span class="row" key={kind}>
            <span class={`swatch ${kind}`} />
            {isEstimated && "≈ "}
            {count(Number(bucket[kind]))} {NAMES[kind]}
          </span>
        ))}
    </div>
  );
}
