// SPDX-License-Identifier: LGPL-3.0-or-later
// The time to travel to.
import { adjust } from "../../router.ts";
import { toInput } from "../../time.ts";
import { Histogram } from "../histogram/histogram.tsx";

function presets(): [string, Date][] {
  const now = new Date();
  const at = (days: number, hours: number) => new Date(now.getTime() - days * 86_400_000 - hours * 3_600_000);
  return [
    ["Now", now],
    ["1 hour ago", at(0, 1)],
    ["Yesterday", at(1, 0)],
    ["A week ago", at(7, 0)],
  ];
}

export function Moment({ table, at }: { table: string; at: string }) {
  const pick = (iso: string) => adjust({ at: iso, page: undefined }, "push");
  return (
    <section class="card moment" aria-label="Time">
      <div class="row wrap">
        <label class="row">
          <span class="muted">As of</span>
          <input
            class="input number"
            type="datetime-local"
            step="1"
            value={toInput(new Date(at))}
            onChange={(event) => {
              const date = new Date(event.currentTarget.value);
              if (!Number.isNaN(date.getTime())) pick(date.toISOString());
            }}
          />
        </label>
        {presets().map(([name, date]) => (
          <button
            type="button"
            class="button small"
            key={name}
            onClick={() =>
              name === "Now" ? adjust({ at: undefined, page: undefined }) : pick(date.toISOString())
            }
          >
            {name}
          </button>
        ))}
      </div>
      <Histogram parameters={[["table", table]]} version={0} onPick={pick} picked={at} />
    </section>
  );
}
