// SPDX-License-Identifier: LGPL-3.0-or-later
// The bars of the histogram, and their scale.
import type { Bucket, Histogram as Counts } from "../../api.ts";

export const CHANGED = ["deleted", "updated", "created", "other"] as const;

type Kind = (typeof CHANGED)[number] | "baseline";

export const NAMES: Record<Kind, string> = {
  created: "created",
  updated: "updated",
  deleted: "deleted",
  other: "other",
  baseline: "baseline rows",
};

export interface Scale {
  from: number;
  to: number;
  step: number;
  most: number;
  kinds: readonly Kind[];
}

export const total = (bucket: Bucket, kinds: readonly Kind[]): number =>
  kinds.reduce((sum, kind) => sum + Number(bucket[kind]), 0);

/** Rows of baselines and checkpoints are drawn only where nothing else is: they would hide the changes. */
function kindsOf({ buckets }: Counts): readonly Kind[] {
  return buckets.some((bucket) => total(bucket, CHANGED) > 0) ? CHANGED : ["baseline"];
}

export function scaleOf(counts: Counts): Scale {
  const step = counts.seconds * 1000;
  const times = counts.buckets.map((bucket) => Date.parse(bucket.at));
  const from = Math.min(Date.parse(counts.since), ...times);
  const to = Math.max(Date.parse(counts.until), ...times.map((time) => time + step), from + step);
  const kinds = kindsOf(counts);
  const most = Math.max(1, ...counts.buckets.map((bucket) => total(bucket, kinds)));
  return { from, to, step, most, kinds };
}

export function Bars({
  counts,
  scale,
  hovered,
}: {
  counts: Counts;
  scale: Scale;
  hovered: Bucket | undefined;
}) {
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
              // A few changes among many stay visible.
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
