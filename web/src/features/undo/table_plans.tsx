// SPDX-License-Identifier: LGPL-3.0-or-later
// The effect of an undo on each table.

import type { Plan } from "../../api.ts";
import { Icon } from "../../components/icons.tsx";
import { SqlText } from "../../components/sql_text.tsx";
import { Notice } from "../../components/states.tsx";
import { count } from "../../time.ts";
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
          <TablePlan key={`${table.schema}.${table.table}`} table={table} />
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

function TablePlan({ table }: { table: Plan["tables"][number] }) {
  return (
    <details class="plan-table">
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
        {table.statements.map((statement) => (
          <SqlText key={statement}>{statement}</SqlText>
        ))}
      </div>
    </details>
  );
}
