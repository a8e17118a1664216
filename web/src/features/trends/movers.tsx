// SPDX-License-Identifier: LGPL-3.0-or-later
// The biggest changes from the previous period.

import { link } from "../../router.ts";
import { count } from "../../time.ts";
import { contextField } from "../filter/filter.ts";
import { NONE, nameOf, type Totals } from "./series.ts";

export function Movers({ totals, by }: { totals: Totals[]; by: string }) {
  const moved = [...totals]
    .filter(({ now, before }) => now !== before)
    .sort((a, b) => Math.abs(b.now - b.before) - Math.abs(a.now - a.before))
    .slice(0, 8);
  return (
    <section class="card" aria-label="Biggest changes">
      <header>
        <h2>Biggest changes</h2>
        <span class="muted">vs previous period</span>
      </header>
      {moved.length === 0 && <p class="body muted">No change.</p>}
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
  if (name === NONE) return link("/changes", { filter: `no:${by}` });
  if (by === "operation") return link("/changes", { filter: `op:${name.toLowerCase()}` });
  return link("/changes", {
    filter:
      by === "table" ? `table:${/["\s\\]/.test(name) ? JSON.stringify(name) : name}` : contextField(by, name),
  });
}
