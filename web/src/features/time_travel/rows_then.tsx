// SPDX-License-Identifier: LGPL-3.0-or-later
// The rows of a table at a time.
import { get, type PastRow } from "../../api.ts";
import { inTableOrder } from "../../components/column_order.ts";
import { Icon } from "../../components/icons.tsx";
import { Empty, Notice, Skeleton } from "../../components/states.tsx";
import { useLoad } from "../../components/use_load.ts";
import { Value } from "../../components/value.tsx";
import { adjust, link, query } from "../../router.ts";
import { count, exactTime, plural, shortTime } from "../../time.ts";
import { columnsOf } from "../filter/table_columns.ts";
import { asFarAsKnown, Unknown } from "./past.tsx";

const PAGE = 100;

export function RowsThen({ table, at }: { table: string; at: string }) {
  const page = Math.max(0, Number(query.value.get("page") ?? 0) || 0);
  const { value, error, isLoading, retry } = useLoad(`${page}`, (signal) =>
    asFarAsKnown((more) =>
      get("/api/as-of", { table, at, limit: PAGE, offset: page * PAGE, ...more }, signal),
    ),
  );
  if (error !== undefined) return <Unknown table={table} at={at} error={error} retry={retry} />;
  if (!value) return <Skeleton lines={9} height={24} />;
  const { rows, total } = value.answer;
  if (total === 0) {
    return (
      <Empty icon="table" title="The table was empty">
        <p>At {shortTime(at)} it had no rows.</p>
      </Empty>
    );
  }
  return (
    <>
      {value.note !== "" && <Notice>{value.note}</Notice>}
      <div class="row past-head">
        <strong class="number">{plural(total, "row")}</strong>
        <span class="muted" title={exactTime(at)}>
          as of {shortTime(at)}
        </span>
        <span class="spacer" />
        {total > PAGE && <Pages page={page} total={total} />}
      </div>
      <section class={`grid-scroll card ${isLoading ? "is-stale" : ""}`} tabIndex={0} aria-label="Rows">
        <Grid table={table} rows={rows} />
      </section>
    </>
  );
}

function Grid({ table, rows }: { table: string; rows: PastRow[] }) {
  const columns = inTableOrder(
    rows.flatMap(({ row }) => Object.keys(row)),
    columnsOf(table),
  );
  return (
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
                <Cell table={table} row={row} name={name} isFirst={column === 0} />
              </td>
            ))}
            <td class="muted number">{row.effective_at === null ? "" : shortTime(row.effective_at)}</td>
          </tr>
        ))}
      </tbody>
    </table>
  );
}

function Cell(props: { table: string; row: PastRow; name: string; isFirst: boolean }) {
  const { table, row, name } = props;
  if (!props.isFirst || row.primary_key === null) return <Value value={row.row[name]} />;
  return (
    <a class="text-link" href={link("/record", { table, key: row.primary_key })} title="Record history">
      <Value value={row.row[name]} />
    </a>
  );
}

function Pages({ page, total }: { page: number; total: number }) {
  const last = Math.ceil(total / PAGE) - 1;
  const to = (next: number) => adjust({ page: next === 0 ? undefined : String(next) }, "replace");
  return (
    <>
      <button
        type="button"
        class="button quiet icon small"
        aria-label="Previous rows"
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
        aria-label="Next rows"
        disabled={page >= last}
        onClick={() => to(page + 1)}
      >
        <Icon name="right" />
      </button>
    </>
  );
}
