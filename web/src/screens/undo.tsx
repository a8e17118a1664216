// SPDX-License-Identifier: LGPL-3.0-or-later
// Undo: select, see what it would do and what stands in the way, confirm, and see what was done.
import { useState } from "preact/hooks";
import { type Change, get, type Parameters, post } from "../api.ts";
import { filterBody, filterParameters, parseFilter, shortTableName } from "../filter.ts";
import { Icon } from "../icons.tsx";
import { type Json, plain, type Row } from "../json.ts";
import { Empty, Failed, Notice, RangePicker, Skeleton, useLoad } from "../parts/basics.tsx";
import { ChangeDetail, ChangeLine, Person } from "../parts/change_row.tsx";
import { FilterBar } from "../parts/filter_bar.tsx";
import { Marks } from "../parts/marks.tsx";
import { adjust, link, query } from "../router.ts";
import { session } from "../state.ts";
import { boundsOf, count, shortTime } from "../time.ts";
import { Figure } from "./activity.tsx";

interface Sides {
  column: string;
  ours: string | null;
  live: string | null;
  target: string | null;
}

interface Conflict {
  kind: string;
  schema: string;
  table: string;
  primary_key: string | null;
  columns: Sides[];
  later: { id: string; transaction_id: Json; effective_at: string; context: Row | null } | null;
  constraint: string;
  detail: string;
}

export interface Plan {
  source: string;
  changes: number;
  extended: number;
  transactions: Json[];
  applicable: boolean;
  digest: string;
  seconds: number;
  tables: {
    schema: string;
    table: string;
    inserts: number;
    updates: number;
    deletes: number;
    already_undone: number;
    skipped: number;
    triggers: { name: string; function: string; events: string }[];
    not_restored: { column: string; rows: number }[];
    statements: string[];
    notes: string[];
  }[];
  conflict_count: number;
  conflicts: Conflict[];
  side_effects: { schema: string; table: string; inserted: number; updated: number; deleted: number }[];
  warnings: string[];
}

export interface Outcome {
  plan: Plan;
  transaction_id: number | null;
}

type Policy = "fail" | "skip" | "force";

const SHOWN = 20;

export function Undo() {
  const isMarks = query.value.get("view") === "marks";
  return (
    <>
      <header class="page-head">
        <h1>Undo</h1>
        <div class="segmented" role="group" aria-label="What to undo">
          <button type="button" aria-pressed={!isMarks} onClick={() => adjust({ view: undefined })}>
            Changes
          </button>
          <button type="button" aria-pressed={isMarks} onClick={() => adjust({ view: "marks" })}>
            Marks
          </button>
        </div>
        <div class="spacer" />
        {!isMarks && <RangePicker />}
      </header>
      {isMarks ? <Marks /> : <UndoChanges />}
    </>
  );
}

function UndoChanges() {
  const text = query.value.get("filter") ?? "";
  const range = query.value.get("range");
  const bounds = boundsOf(range);
  const parameters = filterParameters(parseFilter(text).filter);
  if (bounds.since) parameters.push(["since", bounds.since]);
  if (bounds.until) parameters.push(["until", bounds.until]);
  const key = JSON.stringify(parameters);
  return (
    <>
      <FilterBar text={text} onChange={(filter) => adjust({ filter: filter || undefined })} />
      {parameters.length === 0 ? (
        <Empty icon="undo" title="Say what to undo">
          <p>
            Filter for what went wrong, by user, request, transaction, table or time. You then see exactly
            what undoing it would change, and what stands in the way; nothing happens before you confirm.
          </p>
          <div class="row">
            <a class="button" href={link("/activity", { by: "user_id" })}>
              <Icon name="user" size={14} /> Choose a user
            </a>
            <a class="button" href={link("/activity", { by: "request_id" })}>
              <Icon name="activity" size={14} /> Choose a request
            </a>
          </div>
        </Empty>
      ) : (
        <Steps parameters={parameters} key={key} />
      )}
    </>
  );
}

function Steps({ parameters }: { parameters: [string, string][] }) {
  const [policy, setPolicy] = useState<Policy>("fail");
  const [cascade, setCascade] = useState(false);
  const [plan, setPlan] = useState<Plan | null>(null);
  const [done, setDone] = useState<Outcome | null>(null);
  const [error, setError] = useState<unknown>();
  const [isBusy, setBusy] = useState(false);
  const ask = async (next: { policy: Policy; cascade: boolean }) => {
    setPolicy(next.policy);
    setCascade(next.cascade);
    setBusy(true);
    setError(undefined);
    try {
      setPlan(
        await post<Plan>("/api/revert/plan", {
          filter: filterBody(parameters),
          on_conflict: next.policy,
          cascade: next.cascade,
        }),
      );
    } catch (failed) {
      setError(failed);
    }
    setBusy(false);
  };
  const apply = async (reason: string) => {
    setBusy(true);
    setError(undefined);
    try {
      setDone(
        await post<Outcome>("/api/revert", {
          filter: filterBody(parameters),
          on_conflict: policy,
          cascade,
          digest: plan!.digest,
          reason,
        }),
      );
    } catch (failed) {
      setError(failed);
    }
    setBusy(false);
  };
  const mayUndo = session.value?.role !== "viewer";
  if (done) return <Done outcome={done} />;
  return (
    <div class="stack">
      {error !== undefined && (
        <div class="card">
          <Failed error={error} retry={() => void ask({ policy, cascade })} />
        </div>
      )}
      {plan === null ? (
        <>
          <div class="row wrap next-step">
            <button
              type="button"
              class="button primary"
              disabled={isBusy || !mayUndo}
              onClick={() => void ask({ policy, cascade })}
            >
              {isBusy ? "Looking…" : "Show what undoing would do"}
            </button>
            <span class="muted">
              {mayUndo
                ? "Nothing is changed yet: you see the plan first, and confirm it."
                : "You may look, but not undo: that needs the role operator."}
            </span>
          </div>
          <Selected parameters={parameters} />
        </>
      ) : (
        <PlanView
          plan={plan}
          policy={policy}
          cascade={cascade}
          isBusy={isBusy}
          onAsk={ask}
          onApply={apply}
          onBack={() => setPlan(null)}
        />
      )}
    </div>
  );
}

function Selected({ parameters }: { parameters: [string, string][] }) {
  const asked: Parameters = [...parameters, ["limit", String(SHOWN)]];
  const { value, error, retry } = useLoad(JSON.stringify(parameters), (signal) =>
    get<{ changes: Change[]; next: string | null }>("/api/changes", asked, signal),
  );
  const [open, setOpen] = useState<string | null>(null);
  if (error !== undefined) return <Failed error={error} retry={retry} />;
  if (!value) return <Skeleton lines={5} height={26} />;
  if (value.changes.length === 0) return <Empty icon="search" title="No change fits" />;
  return (
    <section class="card" aria-label="What you have selected">
      <header>
        <h2>Selected</h2>
        <span class="muted">
          {value.next === null
            ? `${count(value.changes.length)} ${value.changes.length === 1 ? "change" : "changes"}`
            : `the newest ${SHOWN} of more`}
        </span>
      </header>
      {value.changes.map((change) => (
        <div key={change.id} class={`change ${open === change.id ? "is-open" : ""}`}>
          <ChangeLine
            change={change}
            isOpen={open === change.id}
            onToggle={() => setOpen(open === change.id ? null : change.id)}
          />
          {open === change.id && <ChangeDetail change={change} />}
        </div>
      ))}
    </section>
  );
}

function rowsOf(plan: Plan): number {
  return plan.tables.reduce((sum, { inserts, updates, deletes }) => sum + inserts + updates + deletes, 0);
}

const rows = (number: number): string => `${count(number)} ${number === 1 ? "row" : "rows"}`;

function PlanView(props: {
  plan: Plan;
  policy: Policy;
  cascade: boolean;
  isBusy: boolean;
  onAsk: (next: { policy: Policy; cascade: boolean }) => void;
  onApply: (reason: string) => void;
  onBack: () => void;
}) {
  const { plan, policy, cascade } = props;
  const all = rowsOf(plan);
  return (
    <>
      <div class="row wrap">
        <button type="button" class="button quiet small" onClick={props.onBack}>
          <Icon name="left" size={14} /> Back to the selection
        </button>
        <span class="spacer" />
        <span class="muted">When something stands in the way</span>
        <div class="segmented" role="group" aria-label="When something stands in the way">
          {(
            [
              ["fail", "Do nothing", "Undo all or nothing"],
              ["skip", "Leave those rows", "Rows in conflict stay as they are"],
              ["force", "Overwrite", "Write the old values over what others wrote since"],
            ] as const
          ).map(([name, label, title]) => (
            <button
              type="button"
              key={name}
              title={title}
              aria-pressed={policy === name}
              disabled={props.isBusy}
              onClick={() => props.onAsk({ policy: name, cascade })}
            >
              {label}
            </button>
          ))}
        </div>
        <label class="row" title="Also undo what others built on it">
          <input
            type="checkbox"
            checked={cascade}
            disabled={props.isBusy}
            onChange={(event) => props.onAsk({ policy, cascade: event.currentTarget.checked })}
          />
          with what was built on it
        </label>
      </div>
      <div class={`stack ${props.isBusy ? "is-stale" : ""}`}>
        <div class="figures" style={{ margin: 0 }}>
          <Figure name="Changes selected" value={count(plan.changes)} />
          <Figure
            name="Rows come back"
            value={count(plan.tables.reduce((sum, table) => sum + table.inserts, 0))}
          />
          <Figure
            name="Rows get old values"
            value={count(plan.tables.reduce((sum, table) => sum + table.updates, 0))}
          />
          <Figure name="Rows go" value={count(plan.tables.reduce((sum, table) => sum + table.deletes, 0))} />
          <Figure name="In the way" value={count(plan.conflict_count)} />
        </div>
        {plan.warnings.map((warning) => (
          <Notice key={warning}>{warning}</Notice>
        ))}
        <TablePlans plan={plan} />
        {plan.conflict_count > 0 && <Conflicts plan={plan} policy={policy} />}
        {plan.applicable && all > 0 ? (
          <Confirm plan={plan} all={all} isBusy={props.isBusy} onApply={props.onApply} />
        ) : (
          <Notice kind={plan.conflict_count > 0 ? "error" : "info"}>
            {plan.conflict_count > 0
              ? "Undone like this, nothing would be changed: something stands in the way. Leave those rows, or overwrite them."
              : "There is nothing left to undo: the rows are as they were before."}
          </Notice>
        )}
      </div>
    </>
  );
}

function TablePlans({ plan }: { plan: Plan }) {
  return (
    <section class="card" aria-label="What undoing would do">
      <header>
        <h2>What undoing would do</h2>
        <span class="muted">tried in a transaction that was rolled back</span>
      </header>
      <div>
        {plan.tables.map((table) => (
          <details class="plan-table" key={`${table.schema}.${table.table}`}>
            <summary>
              <Icon name="right" size={14} />
              <strong>{shortTableName(table.schema, table.table)}</strong>
              {table.inserts > 0 && <span class="badge CREATE">{rows(table.inserts)} back</span>}
              {table.updates > 0 && <span class="badge UPDATE">{rows(table.updates)} restored</span>}
              {table.deletes > 0 && <span class="badge DELETE">{rows(table.deletes)} removed</span>}
              {table.already_undone > 0 && (
                <span class="muted">{rows(table.already_undone)} already as before</span>
              )}
              {table.skipped > 0 && <span class="badge warn">{rows(table.skipped)} left alone</span>}
            </summary>
            <div class="stack plan-detail">
              {table.triggers.length > 0 && (
                <p>
                  Triggers fire: {table.triggers.map(({ name, events }) => `${name} (${events})`).join(", ")}
                </p>
              )}
              {table.not_restored.map(({ column, rows: number }) => (
                <Notice key={column}>
                  {column} of {rows(number)} will not be what it was: a trigger writes it.
                </Notice>
              ))}
              {table.notes.map((note) => (
                <p key={note}>{note}</p>
              ))}
              {table.statements.map((statement) => (
                <pre class="sql" key={statement}>
                  {statement}
                </pre>
              ))}
            </div>
          </details>
        ))}
        {plan.side_effects.map((effect) => (
          <p class="plan-table muted" key={`${effect.schema}.${effect.table}`}>
            Besides, {shortTableName(effect.schema, effect.table)}: {count(effect.inserted)} inserted,{" "}
            {count(effect.updated)} updated, {count(effect.deleted)} deleted by triggers and foreign keys
          </p>
        ))}
      </div>
    </section>
  );
}

const KINDS: Record<string, string> = {
  overwritten: "Written since by somebody else",
  built_on: "Somebody else built on it",
  deleted: "Deleted since by somebody else",
  taken: "The key belongs to another row now",
  changed: "Not as the history says",
  missing: "The row is not there",
  referenced: "Other rows refer to it",
  orphan: "It refers to a row that is gone",
  unknown: "Its old value is not known",
  rejected: "The database refuses it",
  table_gone: "The table is gone",
};

function Conflicts({ plan, policy }: { plan: Plan; policy: Policy }) {
  return (
    <section class="card" aria-label="What stands in the way">
      <header>
        <h2>What stands in the way</h2>
        <span class="badge bad">{count(plan.conflict_count)}</span>
        <span class="muted">
          {policy === "skip"
            ? "these rows stay as they are"
            : policy === "force"
              ? "this is written over"
              : "nothing is done while it does"}
        </span>
      </header>
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
    </section>
  );
}

function ConflictView({ conflict, source }: { conflict: Conflict; source: string }) {
  const side = (text: string | null) => (text === null ? <em class="muted">null</em> : text);
  return (
    <div class="conflict">
      <div class="row wrap">
        <span class="badge bad">{KINDS[conflict.kind] ?? conflict.kind}</span>
        <strong>{shortTableName(conflict.schema, conflict.table)}</strong>
        {conflict.primary_key !== null && (
          <a
            class="text-link mono"
            href={link("/record", {
              table: `${conflict.schema}.${conflict.table}`,
              key: conflict.primary_key,
              source,
            })}
          >
            {conflict.primary_key}
          </a>
        )}
        {conflict.later && (
          <span class="row muted">
            by {conflict.later.context && <Person context={conflict.later.context} />}
            <a class="plain-link" href={`/change/${conflict.later.id}`}>
              {shortTime(conflict.later.effective_at)}, transaction {plain(conflict.later.transaction_id)}
            </a>
          </span>
        )}
      </div>
      {conflict.detail !== "" && <p class="muted">{conflict.detail}</p>}
      {conflict.constraint !== "" && <p class="muted">constraint {conflict.constraint}</p>}
      {conflict.columns.length > 0 && (
        <table class="sides mono">
          <thead>
            <tr>
              <th scope="col">column</th>
              <th scope="col">selected wrote</th>
              <th scope="col">now</th>
              <th scope="col">undoing writes</th>
            </tr>
          </thead>
          <tbody>
            {conflict.columns.map(({ column, ours, live, target }) => (
              <tr key={column}>
                <th scope="row">{column}</th>
                <td>{side(ours)}</td>
                <td>{side(live)}</td>
                <td>{side(target)}</td>
              </tr>
            ))}
          </tbody>
        </table>
      )}
    </div>
  );
}

function Confirm({
  plan,
  all,
  isBusy,
  onApply,
}: {
  plan: Plan;
  all: number;
  isBusy: boolean;
  onApply: (reason: string) => void;
}) {
  const [typed, setTyped] = useState("");
  const [reason, setReason] = useState("");
  const phrase = `undo ${all} ${all === 1 ? "row" : "rows"}`;
  return (
    <form
      class="card confirm"
      aria-label="Confirm"
      onSubmit={(event) => {
        event.preventDefault();
        if (typed.trim() === phrase && !isBusy) onApply(reason);
      }}
    >
      <h2>
        Undo it in <span class="mono">{plan.source}</span>
      </h2>
      <p class="muted">
        {rows(all)} in one transaction, which is recorded like any other and can itself be undone.
      </p>
      <div class="row wrap confirm-fields">
        <label>
          <span>
            Type <code>{phrase}</code>
          </span>
          <input
            class="input mono"
            name="confirmation"
            value={typed}
            onInput={(event) => setTyped(event.currentTarget.value)}
            autocomplete="off"
            spellcheck={false}
          />
        </label>
        <label class="reason">
          <span>Why (kept in the history)</span>
          <input
            class="input"
            name="reason"
            value={reason}
            onInput={(event) => setReason(event.currentTarget.value)}
            autocomplete="off"
          />
        </label>
        <button type="submit" class="button danger" disabled={typed.trim() !== phrase || isBusy}>
          {isBusy ? "Undoing…" : "Undo"}
        </button>
      </div>
    </form>
  );
}

export function Done({ outcome }: { outcome: Outcome }) {
  const { plan, transaction_id } = outcome;
  if (transaction_id === null) {
    return (
      <Empty icon="check" title="There was nothing to undo">
        <p>The rows are already as they were.</p>
      </Empty>
    );
  }
  const id = String(transaction_id);
  return (
    <div class="stack">
      <Notice kind="good">
        <strong>Done.</strong> {rows(rowsOf(plan))} are as they were before, in transaction {id}.
        {plan.conflict_count > 0 && ` ${rows(plan.conflict_count)} stayed as they are.`}
      </Notice>
      <TablePlans plan={plan} />
      <div class="row wrap">
        <a class="button" href={link("/activity/one", { by: "transaction", value: id, source: plan.source })}>
          <Icon name="activity" size={14} /> See what it did
        </a>
        <a class="button" href={link("/undo", { filter: `tx:${id}` })}>
          <Icon name="undo" size={14} /> Take it back…
        </a>
        <a class="button quiet" href="/changes">
          To the changes
        </a>
      </div>
    </div>
  );
}
