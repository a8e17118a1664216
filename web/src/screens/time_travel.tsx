// SPDX-License-Identifier: LGPL-3.0-or-later
// Time travel: a table as it was at any moment, and what has become of it since.
import { useState } from "preact/hooks";
import { type DiffRow, get, type PastRow, Problem } from "../api.ts";
import { tableName } from "../filter.ts";
import { Icon } from "../icons.tsx";
import { Empty, Failed, Notice, OperationBadge, Skeleton, useLoad } from "../parts/basics.tsx";
import { Histogram } from "../parts/histogram.tsx";
import { TableSelect } from "../parts/record_picker.tsx";
import { DiffTable, Summary, Value } from "../parts/values.tsx";
import { adjust, link, query } from "../router.ts";
import { tables } from "../state.ts";
import { count, exactTime, shortTime, toInput } from "../time.ts";

const PAGE = 100;

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

export function TimeTravel() {
  const table = query.value.get("table") ?? firstTable();
  const [began] = useState(() => new Date().toISOString());
  const asked = query.value.get("at") ?? "";
  const at = Number.isNaN(Date.parse(asked)) ? began : asked;
  const view = query.value.get("view") === "diff" ? "diff" : "rows";
  return (
    <>
      <header class="page-head">
        <h1>Time travel</h1>
        <TableSelect value={table} onChange={(next) => adjust({ table: next, page: undefined })} />
        <div class="spacer" />
        <div class="segmented" role="group" aria-label="View">
          <button type="button" aria-pressed={view === "rows"} onClick={() => adjust({ view: undefined })}>
            The rows then
          </button>
          <button type="button" aria-pressed={view === "diff"} onClick={() => adjust({ view: "diff" })}>
            What changed since
          </button>
        </div>
      </header>
      {table === "" ? (
        <Empty
          icon="past"
          title={tables.value === null ? "Loading the tables" : "No table has a history yet"}
        />
      ) : (
        <>
          <Moment table={table} at={at} />
          {view === "rows" ? (
            <RowsThen table={table} at={at} key={`${table}/${at}`} />
          ) : (
            <Since table={table} at={at} key={`${table}/${at}`} />
          )}
        </>
      )}
    </>
  );
}

function firstTable(): string {
  const first = tables.value?.find(({ schema }) => schema === "public") ?? tables.value?.[0];
  return first ? tableName(first.schema, first.table) : "";
}

function Moment({ table, at }: { table: string; at: string }) {
  const pick = (iso: string) => adjust({ at: iso, page: undefined }, "push");
  return (
    <section class="card moment" aria-label="The moment">
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

interface Past {
  at: string;
  total: number;
  rows: PastRow[];
}

/** What is not known is said; whoever wants it all the same can have what there is. */
async function asFarAsKnown<T>(
  ask: (more: Record<string, string>) => Promise<T>,
): Promise<{ answer: T; note: string }> {
  const isPartial = query.peek().get("partial") === "1";
  const partial: Record<string, string> = isPartial ? { partial: "true" } : {};
  const note = isPartial ? "Not all rows are known for this time; these are." : "";
  try {
    return { answer: await ask(partial), note };
  } catch (error) {
    if (!(error instanceof Problem) || !error.message.includes("is known until")) throw error;
    return { answer: await ask({ ...partial, allow_stale: "true" }), note };
  }
}

function Unknown({ table, error, retry }: { table: string; error: unknown; retry: () => void }) {
  const since = tables.value?.find((one) => tableName(one.schema, one.table) === table)?.since;
  if (error instanceof Problem && error.hint.includes("begins later") && since) {
    return (
      <Empty icon="past" title="The history of this table begins later">
        <p>It is known since {shortTime(since)}.</p>
        <div class="row">
          <button type="button" class="button" onClick={() => adjust({ at: since, page: undefined })}>
            Go to its beginning
          </button>
        </div>
      </Empty>
    );
  }
  const canBePartial = error instanceof Problem && error.status === 409 && error.hint.includes("partial");
  if (!canBePartial) return <Failed error={error} retry={retry} />;
  return (
    <Empty icon="warn" title="Not everything is known for this time">
      <p>{error.message.charAt(0).toUpperCase() + error.message.slice(1)}.</p>
      <div class="row">
        <button
          type="button"
          class="button"
          onClick={() => {
            adjust({ partial: "1" }, "replace");
            retry();
          }}
        >
          Show what is known
        </button>
      </div>
    </Empty>
  );
}

function RowsThen({ table, at }: { table: string; at: string }) {
  const page = Math.max(0, Number(query.value.get("page") ?? 0) || 0);
  const { value, error, isLoading, retry } = useLoad(`${page}`, (signal) =>
    asFarAsKnown((more) =>
      get<Past>("/api/as-of", { table, at, limit: PAGE, offset: page * PAGE, ...more }, signal),
    ),
  );
  if (error !== undefined) return <Unknown table={table} error={error} retry={retry} />;
  if (!value) return <Skeleton lines={9} height={24} />;
  const { rows, total } = value.answer;
  if (total === 0) {
    return (
      <Empty icon="table" title="The table was empty">
        <p>At {shortTime(at)} it had no row.</p>
      </Empty>
    );
  }
  const known = tables.value?.find((one) => tableName(one.schema, one.table) === table);
  const columns = columnsOf(rows, known?.columns?.map(({ name }) => name) ?? []);
  return (
    <>
      {value.note !== "" && <Notice>{value.note}</Notice>}
      <div class="row past-head">
        <strong class="number">
          {count(total)} {total === 1 ? "row" : "rows"}
        </strong>
        <span class="muted" title={exactTime(at)}>
          as of {shortTime(at)}
        </span>
        <span class="spacer" />
        {total > PAGE && <Pages page={page} total={total} />}
      </div>
      <div
        class={`grid-scroll card ${isLoading ? "is-stale" : ""}`}
        tabIndex={0}
        role="region"
        aria-label="The rows then"
      >
        <table class="grid">
          <thead>
            <tr>
              {columns.map((name) => (
                <th key={name} scope="col">
                  {name}
                </th>
              ))}
              <th scope="col">Last changed</th>
            </tr>
          </thead>
          <tbody>
            {rows.map((row, i) => (
              <tr key={row.primary_key ?? i}>
                {columns.map((name, column) => (
                  <td key={name}>
                    {column === 0 && row.primary_key !== null ? (
                      <a
                        class="text-link"
                        href={link("/record", { table, key: row.primary_key })}
                        title="History of this record"
                      >
                        <Value value={row.row[name]} />
                      </a>
                    ) : (
                      <Value value={row.row[name]} />
                    )}
                  </td>
                ))}
                <td class="muted number">{row.effective_at === null ? "" : shortTime(row.effective_at)}</td>
              </tr>
            ))}
          </tbody>
        </table>
      </div>
    </>
  );
}

/** The table's own order, its key first, and what only old rows have at the end. */
function columnsOf(rows: PastRow[], known: string[]): string[] {
  const found = new Set(rows.flatMap(({ row }) => Object.keys(row)));
  const inOrder = known.filter((name) => found.has(name));
  return [...inOrder, ...[...found].filter((name) => !inOrder.includes(name))];
}

function Pages({ page, total }: { page: number; total: number }) {
  const last = Math.ceil(total / PAGE) - 1;
  const to = (next: number) => adjust({ page: next === 0 ? undefined : String(next) }, "replace");
  return (
    <>
      <button
        type="button"
        class="button quiet icon small"
        aria-label="Earlier rows"
        disabled={page === 0}
        onClick={() => to(page - 1)}
      >
        <Icon name="left" />
      </button>
      <span class="muted number">
        {count(page * PAGE + 1)}–{count(Math.min(total, (page + 1) * PAGE))}
      </span>
      <button
        type="button"
        class="button quiet icon small"
        aria-label="Later rows"
        disabled={page >= last}
        onClick={() => to(page + 1)}
      >
        <Icon name="right" />
      </button>
    </>
  );
}

const SINCE = { CREATE: "Added since", UPDATE: "Changed since", DELETE: "Gone since" } as const;

function Since({ table, at }: { table: string; at: string }) {
  const [now] = useState(() => new Date().toISOString());
  const { value, error, retry } = useLoad("diff", (signal) =>
    asFarAsKnown((more) =>
      get<{ total: number; rows: DiffRow[] }>("/api/diff", { table, from: at, to: now, ...more }, signal),
    ),
  );
  const [open, setOpen] = useState<string | null>(null);
  if (error !== undefined) return <Unknown table={table} error={error} retry={retry} />;
  if (!value) return <Skeleton lines={9} height={24} />;
  const { rows, total } = value.answer;
  if (total === 0) {
    return (
      <Empty icon="check" title="Nothing is different">
        <p>The table is now as it was at {shortTime(at)}.</p>
      </Empty>
    );
  }
  return (
    <>
      {value.note !== "" && <Notice>{value.note}</Notice>}
      <div class="row past-head">
        <strong class="number">
          {count(total)} {total === 1 ? "row differs" : "rows differ"}
        </strong>
        <span class="muted">between {shortTime(at)} and now</span>
        <span class="spacer" />
        {(["CREATE", "UPDATE", "DELETE"] as const).map((operation) => {
          const number = rows.filter((row) => row.operation === operation).length;
          return (
            number > 0 && (
              <span
                class={`badge ${operation}`}
                key={operation}
              >{`${count(number)} ${SINCE[operation].toLowerCase()}`}</span>
            )
          );
        })}
      </div>
      <div class="card">
        {rows.map((row, i) => {
          const id = row.primary_key ?? String(i);
          const isOpen = open === id;
          return (
            <div key={id} class={`change ${isOpen ? "is-open" : ""}`}>
              <div
                class="change-line since-line"
                onClick={(event) => !(event.target as Element).closest("a") && setOpen(isOpen ? null : id)}
              >
                <button
                  type="button"
                  class="expander"
                  aria-expanded={isOpen}
                  aria-label="Show what is different"
                >
                  <Icon name="right" size={14} />
                </button>
                <OperationBadge operation={row.operation} />
                {row.primary_key === null ? (
                  <span class="muted">no key</span>
                ) : (
                  <a class="text-link mono ellipsis" href={link("/record", { table, key: row.primary_key })}>
                    {row.primary_key}
                  </a>
                )}
                <Summary before={row.before} after={row.after} operation={row.operation} />
              </div>
              {isOpen && (
                <div class="since-detail">
                  <DiffTable before={row.before} after={row.after} operation={row.operation} />
                </div>
              )}
            </div>
          );
        })}
      </div>
      {total > rows.length && (
        <p class="muted more-note">
          The first {count(rows.length)} of {count(total)}.
        </p>
      )}
    </>
  );
}
