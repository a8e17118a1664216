// SPDX-License-Identifier: LGPL-3.0-or-later
// Changes over time, stacked by operation. Dragging over it chooses a time range.
import { useRef, useState } from "preact/hooks";
import { type Bucket, type Histogram as Counts, get } from "../api.ts";
import { count, shortTime } from "../time.ts";
import { useLoad } from "./basics.tsx";

const CHANGED = ["deleted", "updated", "created", "other"] as const;
type Kind = (typeof CHANGED)[number] | "baseline";
const NAMES: Record<Kind, string> = {
  created: "created",
  updated: "updated",
  deleted: "deleted",
  other: "other",
  baseline: "read as a baseline",
};

interface Scale {
  from: number;
  to: number;
  step: number;
  most: number;
  kinds: readonly Kind[];
}

const total = (bucket: Bucket, kinds: readonly Kind[]): number =>
  kinds.reduce((sum, kind) => sum + Number(bucket[kind]), 0);

/** Rows of a baseline or a checkpoint would hide what people did: they are drawn where there is nothing else. */
function kindsOf({ buckets }: Counts): readonly Kind[] {
  return buckets.some((bucket) => total(bucket, CHANGED) > 0) ? CHANGED : ["baseline"];
}

function scaleOf(counts: Counts): Scale {
  const step = counts.seconds * 1000;
  const times = counts.buckets.map((bucket) => Date.parse(bucket.at));
  const from = Math.min(Date.parse(counts.since), ...times);
  const to = Math.max(Date.parse(counts.until), ...times.map((time) => time + step), from + step);
  const kinds = kindsOf(counts);
  const most = Math.max(1, ...counts.buckets.map((bucket) => total(bucket, kinds)));
  return { from, to, step, most, kinds };
}

interface Props {
  parameters: [string, string][];
  version: number;
  onBrush?: (since: string, until: string) => void;
  /** A click chooses a moment; `picked` is shown. */
  onPick?: (at: string) => void;
  picked?: string;
}

export function Histogram(props: Props) {
  const key = JSON.stringify(props.parameters);
  const { value, error } = useLoad(`${key}#${props.version}`, (signal) =>
    get<Counts>("/api/histogram", [...props.parameters, ["buckets", "90"]], signal),
  );
  const plot = useRef<HTMLDivElement>(null);
  const [drag, setDrag] = useState<[number, number] | null>(null);
  const [pointer, setPointer] = useState<number | null>(null);
  const scale = value && scaleOf(value);
  const share = (event: PointerEvent) => {
    const box = plot.current!.getBoundingClientRect();
    return Math.max(0, Math.min(1, (event.clientX - box.left) / box.width));
  };
  const timeAt = (at: number) => scale!.from + at * (scale!.to - scale!.from);
  const hovered =
    scale && pointer !== null
      ? value.buckets.find(({ at }) => {
          const time = Date.parse(at);
          return time <= timeAt(pointer) && timeAt(pointer) < time + scale.step;
        })
      : undefined;
  const finish = () => {
    const isClick = drag !== null && Math.abs(drag[0] - drag[1]) <= 0.008;
    if (isClick || (drag && props.onPick)) props.onPick?.(new Date(timeAt(drag[1])).toISOString());
    else if (drag) {
      const [from, to] = [Math.min(...drag), Math.max(...drag)];
      props.onBrush?.(new Date(timeAt(from)).toISOString(), new Date(timeAt(to)).toISOString());
    }
    setDrag(null);
  };
  return (
    <div
      class="histogram"
      role="img"
      aria-label={
        value
          ? `${count(value.buckets.reduce((sum, bucket) => sum + total(bucket, CHANGED), 0))} changes over time`
          : "Changes over time"
      }
    >
      <div
        class="plot"
        ref={plot}
        onPointerDown={(event) => {
          if (!scale || event.button !== 0) return;
          event.currentTarget.setPointerCapture(event.pointerId);
          setDrag([share(event), share(event)]);
        }}
        onPointerMove={(event) => {
          if (!scale) return;
          setPointer(share(event));
          if (drag) setDrag([drag[0], share(event)]);
        }}
        onPointerUp={finish}
        onPointerCancel={() => setDrag(null)}
        onPointerLeave={() => setPointer(null)}
      >
        {scale && <Bars counts={value} scale={scale} hovered={hovered} />}
        {scale && props.picked && (
          <Mark at={(Date.parse(props.picked) - scale.from) / (scale.to - scale.from)} />
        )}
        {drag && props.onBrush && (
          <div
            class="brush"
            style={{ left: `${Math.min(...drag) * 100}%`, width: `${Math.abs(drag[0] - drag[1]) * 100}%` }}
          />
        )}
        {hovered && !drag && pointer !== null && (
          <Tip bucket={hovered} at={Math.max(0.09, Math.min(0.91, pointer))} isEstimated={value!.estimated} />
        )}
      </div>
      {error !== undefined && !value && (
        <p class="note">{error instanceof Error ? error.message : "No counts"}</p>
      )}
      {scale && (
        <div class="axis">
          <span>{shortTime(new Date(scale.from).toISOString())}</span>
          <span class="hide-phone">
            {value.estimated
              ? "estimated from a sample"
              : props.onPick
                ? "click to choose a moment"
                : "drag to choose a time"}
          </span>
          <span>{scale.to > Date.now() ? "now" : shortTime(new Date(scale.to).toISOString())}</span>
        </div>
      )}
    </div>
  );
}

function Mark({ at }: { at: number }) {
  return <div class="mark" style={{ left: `${Math.max(0, Math.min(1, at)) * 100}%` }} />;
}

function Bars({ counts, scale, hovered }: { counts: Counts; scale: Scale; hovered: Bucket | undefined }) {
  const width = (scale.step / (scale.to - scale.from)) * 1000;
  return (
    <svg viewBox="0 0 1000 100" preserveAspectRatio="none" aria-hidden="true">
      {counts.buckets.map((bucket) => {
        const x = ((Date.parse(bucket.at) - scale.from) / (scale.to - scale.from)) * 1000;
        let y = 100;
        return (
          <g key={bucket.at}>
            {bucket === hovered && <rect class="hovered" x={x} y={0} width={width} height={100} />}
            {scale.kinds.map((kind) => {
              const number = Number(bucket[kind]);
              if (number === 0) return null;
              // Few among many can still be seen.
              const height = Math.max((number / scale.most) * 94, 2.5);
              y -= height;
              return (
                <rect
                  key={kind}
                  class={kind}
                  x={x + width * 0.08}
                  y={y}
                  width={Math.max(width * 0.84, 1.5)}
                  height={height}
                />
              );
            })}
          </g>
        );
      })}
    </svg>
  );
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
