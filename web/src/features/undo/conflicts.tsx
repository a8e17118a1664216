// SPDX-License-Identifier: LGPL-3.0-or-later
// The conflicts of an undo, column by column.

import type { Conflict, Plan, Policy } from "../../api.ts";
import { plain } from "../../json.ts";
import { count, shortTime } from "../../time.ts";
import { keyText } from "../change/key_text.ts";
import { Person } from "../change/person.tsx";
import { recordLink } from "../change/record_link.ts";
import { shortTableName } from "../filter/filter.ts";

const KINDS: Record<string, string> = {
  overwritten: "Changed later by someone else",
  built_on: "A later change depends on it",
  deleted: "Deleted later by someone else",
  taken: "Another row has this key now",
  changed: "Differs from the history",
  missing: "Row not found",
  referenced: "Other rows refer to it",
  orphan: "Refers to a row that no longer exists",
  unknown: "Old value unknown",
  rejected: "Refused by the database",
  table_gone: "Table no longer exists",
};

const OUTCOMES: Record<Policy, string> = {
  fail: "nothing is undone while there are conflicts",
  skip: "these rows stay as they are",
  force: "these rows are overwritten",
};

export function Conflicts({ plan, policy }: { plan: Plan; policy: Policy }) {
  return (
    <section class="card" aria-label="Conflicts">
      <header>
        <h2>Conflicts</h2>
        <span class="badge bad">{count(plan.conflict_count)}</span>
        <span class="muted">{OUTCOMES[policy]}</span>
      </header>
      <div class="conflicts">
        {plan.conflicts.map((conflict, i) => (
          <ConflictView
            key={`${conflict.table}/${conflict.primary_key}/${i}`}
            conflict={conflict}
            source={plan.source}
          />
        ))}
        {plan.conflict_count > plan.conflicts.length && (
          <p class="muted more-note">and {count(plan.conflict_count - plan.conflicts.length)} more</p>
        )}
      </div>
    </section>
  );
}

function ConflictView({ conflict, source }: { conflict: Conflict; source: string }) {
  const { later } = conflict;
  return (
    <div class="conflict">
      <div class="row wrap">
        <span class="badge bad">{KINDS[conflict.kind] ?? conflict.kind}</span>
        <strong>{shortTableName(conflict.schema, conflict.table)}</strong>
        {conflict.primary_key !== null && (
          <a class="text-link mono" href={recordLink({ ...conflict, source })}>
            {keyText(conflict.primary_key)}
          </a>
        )}
        {later && (
          <span class="row muted">
            {later.context && <Person context={later.context} />}
            <a class="plain-link" href={`/change/${later.id}`}>
              {shortTime(later.effective_at)}, transaction {plain(later.transaction_id)}
            </a>
          </span>
        )}
      </div>
      {conflict.detail !== "" && <p class="muted">{conflict.detail}</p>}
      {conflict.constraint !== "" && <p class="muted">Constraint: {conflict.constraint}</p>}
      {conflict.columns.length > 0 && <Sides columns={conflict.columns} />}
    </div>
  );
}

function Sides({ columns }: { columns: Conflict["columns"] }) {
  const side = (text: string | null) => (text === null ? <em class="muted">null</em> : text);
  return (
    <table class="sides mono">
      <thead>
        <tr>
          <th scope="col">Column</th>
          <th scope="col">Selected change</th>
          <th scope="col">Current value</th>
          <th scope="col">Value after undo</th>
        </tr>
      </thead>
      <tbody>
        {columns.map(({ column, ours, live, target }) => (
          <tr key={column}>
            <th scope="row">{column}</th>
            <td>{side(ours)}</td>
            <td>{side(live)}</td>
            <td>{side(target)}</td>
          </tr>
        ))}
      </tbody>
    </table>
  );
}
