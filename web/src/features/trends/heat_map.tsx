// SPDX-License-Identifier: LGPL-3.0-or-later
// Changes by weekday and hour.
import { useMemo, useState } from "preact/hooks";
import { get, type TrendPoint } from "../../api.ts";
import { useLoad } from "../../components/use_load.ts";
import { plural } from "../../time.ts";

const DAYS = ["Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"];
const WEEKS = 4;

export function HeatMap() {
  const [since] = useState(() => new Date(Date.now() - WEEKS * 7 * 86_400_000).toISOString());
  const { value } = useLoad("heat", (signal) =>
    get("/api/trends", { every: "1 hour", by: "source", since }, signal),
  );
  const cells = useMemo(() => cellsOf(value?.points ?? []), [value]);
  const most = Math.max(1, ...cells.flat());
  return (
    <section class="card heat-card" aria-label="Activity by hour">
      <header>
        <h2>Activity by hour</h2>
        <span class="muted">of the last four weeks</span>
      </header>
      <section class="body heat-scroll" tabIndex={0} aria-label="Changes by weekday and hour">
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
            {DAYS.map((day, weekday) => (
              <tr key={day}>
                <th scope="row">{day}</th>
                {cells[weekday]?.map((number, hour) => (
                  <td key={hour} title={`${day}, ${hour}:00: ${plural(number, "change")}`}>
                    <div style={{ background: shadeOf(number, most) }} />
                  </td>
                ))}
              </tr>
            ))}
          </tbody>
        </table>
      </section>
    </section>
  );
}

/** Changes by weekday and hour. */
function cellsOf(points: TrendPoint[]): number[][] {
  const sums = DAYS.map(() => Array.from({ length: 24 }, () => 0));
  for (const { at, changes } of points) {
    const date = new Date(at);
    const hours = sums[(date.getDay() + 6) % 7];
    const hour = date.getHours();
    if (hours) hours[hour] = (hours[hour] ?? 0) + changes;
  }
  return sums;
}

/** Shades by the square root: one busy hour does not make the others look alike. */
function shadeOf(number: number, most: number): string {
  if (number === 0) return "var(--bg-active)";
  const share = Math.round(14 + Math.sqrt(number / most) * 86);
  return `color-mix(in oklab, var(--accent-fill) ${share}%, var(--bg-raised))`;
}
