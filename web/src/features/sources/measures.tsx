// SPDX-License-Identifier: LGPL-3.0-or-later
// Measures of a source, with a line of their last minutes.
import { useEffect, useRef, useState } from "preact/hooks";
import { SAMPLE_MS } from "../../state.ts";

const SAMPLES = 150;

export function Measure({
  name,
  value,
  note = "",
  samples,
  isRate = false,
}: {
  name: string;
  value: string;
  note?: string;
  samples?: number | undefined;
  isRate?: boolean;
}) {
  const kept = useRef<number[]>([]);
  const [, redraw] = useState(0);
  useEffect(() => {
    if (samples === undefined) return;
    const timer = setInterval(() => redraw((n) => n + 1), SAMPLE_MS);
    return () => clearInterval(timer);
  }, [samples === undefined]);
  if (samples !== undefined) kept.current = [...kept.current, samples].slice(-SAMPLES);
  const line = isRate
    ? kept.current.slice(1).map((sample, i) => sample - (kept.current[i] ?? sample))
    : kept.current;
  return (
    <div class="measure">
      <dt>{name}</dt>
      <dd class="number">{value}</dd>
      <dd class="muted note">{note}</dd>
      {samples !== undefined && <Sparkline values={line} />}
    </div>
  );
}

function Sparkline({ values }: { values: number[] }) {
  const most = Math.max(1, ...values);
  const points = values.map(
    (value, i) => `${(i / Math.max(1, values.length - 1)) * 100},${26 - (value / most) * 24}`,
  );
  return (
    <svg class="sparkline" viewBox="0 0 100 28" preserveAspectRatio="none" aria-hidden="true">
      <polyline points={points.length > 1 ? points.join(" ") : "0,26 100,26"} />
    </svg>
  );
}
