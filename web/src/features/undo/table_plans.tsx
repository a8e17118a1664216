// SPDX-License-Identifier: LGPL-3.0-or-later
// The effect of an undo on each table.

import type { Plan } from "../../api.ts";
import { Icon } from "../../components/icons.tsx";
import { SqlText } from "../../components/sql_text.tsx";
import { Notice } from "../../components/states.tsx";
import { count } from "../../time.ts";
import { keyText } from "../change/key_text.ts";
import { shortTableName } from "../filter/filter.ts";
import { rows } from "./plan.ts";

export function TablePlans({ plan, isDone = false }: { plan: Plan; isDone?: boolean }) {
  const title = isDone ? "Undone changes" : "Changes to each table";
  return (
    <section class="card" aria-label={title}>
      <header>
        <h2>{title}</h2>
        {!isDone && <span class="muted">from a trial run that was rolled back</span>}
      </header>
      <div>
        {plan.tables.map((table) => (
          <TablePlan
            key={`${table.schema}.${table.table}`}
            table={table}
            isOpen={!isDone && plan.tables.length === 1}
          />
        ))}
        {plan.side_effects.map((effect) => (
          <p class="plan-table muted" key={`${effect.schema}.${effect.table}`}>
            Triggers and foreign keys also change {shortTableName(effect.schema, effect.table)}:{" "}
            {count(effect.inserted)} inserted, {count(effect.updated)} updated, {count(effect.deleted)}{" "}
            deleted
          </p>
        ))}
      </div>
    </section>
  );
}

const EFFECTS = { restored: "Restored", reverted: "Reverted", removed: "Removed" } as const;

/** The first rows, value by value, so that nobody confirms blindly. */
function Examples({ table }: { table: Plan["tables"][number] }) {
  const side = (text: string | null) => (text === null ? <em class="muted">null</em> : text);
  const all = table.inserts + table.updates + table.deletes;
  return (
    <table class="sides mono">
      <caption class="muted">
        {all > table.examples.length ? `The first ${table.examples.length} of ${rows(all)}` : rows(all)}
      </caption>
      <thead>
        <tr>
          <th scope="col">Row</th>
          <th scope="col">Column</th>
          <th scope="col">Current value</th>
          <th scope="col">Value after undo</th>
        </tr>
      </thead>
      <tbody>
        {table.examples.flatMap(({ effect, primary_key: key, columns }, i) =>
          columns.map(({ column, live, target }) => (
            <tr key={`${i}/${column}`}>
              <td>
                {EFFECTS[effect]} {key === null ? "(no key)" : keyText(key)}
              </td>
              <th scope="row">{column}</th>
              <td>{effect === "restored" ? <em class="muted">no row</em> : side(live)}</td>
              <td>{effect === "removed" ? <em class="muted">no row</em> : side(target)}</td>
            </tr>
          )),
        )}
      </tbody>
    </table>
  );
}

function TablePlan({ table, isOpen }: { table: Plan["tables"][number]; isOpen: boolean }) {
  return (
    <details class="plan-table" open={isOpen}>
      <summary>
        <Icon name="right" size={14} />
        <strong>{shortTableName(table.schema, table.table)}</strong>
        {table.inserts > 0 && <span class="badge CREATE">{rows(table.inserts)} restored</span>}
        {table.updates > 0 && <span class="badge UPDATE">{rows(table.updates)} reverted</span>}
        {table.deletes > 0 && <span class="badge DELETE">{rows(table.deletes)} removed</span>}
        {table.already_undone > 0 && <span class="muted">{rows(table.already_undone)} already undone</span>}
        {table.skipped > 0 && <span class="badge warn">{rows(table.skipped)} skipped</span>}
      </summary>
      <div class="stack plan-detail">
        {table.triggers.length > 0 && (
          <p>
            Triggers that fire: {table.triggers.map(({ name, events }) => `${name} (${events})`).join(", ")}
          </p>
        )}
        {table.not_restored.map(({ column, rows: number }) => (
          <Notice key={column}>
            A trigger sets {column}, so {rows(number)} will not get the old value.
          </Notice>
        ))}
        {table.notes.map((note) => (
          <p key={note}>{note}</p>
        ))}
        {table.examples.length > 0 && <Examples table={table} />}
        {table.statements.map((statement) => (
          <SqlText key={statement}>{statement}</SqlText>
        ))}
      </div>
    </details>
  );
}
