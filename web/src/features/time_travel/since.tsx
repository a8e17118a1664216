// SPDX-License-Identifier: LGPL-3.0-or-later
// The rows that have changed since a time.
import { useState } from "preact/hooks";
import { type DiffRow, get } from "../../api.ts";
import { DiffTable, Summary } from "../../components/differences.tsx";
import { Expander } from "../../components/expander.tsx";
import { OperationBadge } from "../../components/operation_badge.tsx";
import { Empty, Notice, Skeleton } from "../../components/states.tsx";
import { useLoad } from "../../components/use_load.ts";
import { link } from "../../router.ts";
import { count, plural, shortTime } from "../../time.ts";
import { keyText } from "../change/key_text.ts";
import { columnsOf } from "../filter/table_columns.ts";
import { asFarAsKnown, Unknown } from "./past.tsx";

const SINCE = { CREATE: "added", UPDATE: "changed", DELETE: "deleted" } as const;

export function Since({ table, at }: { table: string; at: string }) {
  const [now] = useState(() => new Date().toISOString());
  const { value, error, retry } = useLoad("diff", (signal) =>
    asFarAsKnown((more) => get("/api/diff", { table, from: at, to: now, ...more }, signal)),
  );
  if (error !== undefined) return <Unknown table={table} at={at} error={error} retry={retry} />;
  if (!value) return <Skeleton lines={9} height={24} />;
  const { rows, total } = value.answer;
  if (total === 0) {
    return (
      <Empty icon="check" title="No differences">
        <p>The table is the same as at {shortTime(at)}.</p>
      </Empty>
    );
  }
  return (
    <>
      {value.note !== "" && <Notice>{value.note}</Notice>}
      <div class="row wrap past-head">
        <strong class="number">{plural(total, "row differs", "rows differ")}</strong>
        <span class="muted">between {shortTime(at)} and now</span>
        <span class="spacer" />
        <Counts rows={rows} isCut={total > rows.length} />
      </div>
      <div class="card">
        {rows.map((row, i) => (
          <DiffLine key={row.primary_key ?? i} table={table} row={row} />
        ))}
      </div>
      {total > rows.length && (
        <p class="muted more-note">
          The first {count(rows.length)} of {count(total)} rows.
        </p>
      )}
    </>
  );
}

function Counts({ rows, isCut }: { rows: DiffRow[]; isCut: boolean }) {
  return (
    <>
      {isCut && <span class="muted">of the first {count(rows.length)}:</span>}
      {(["CREATE", "UPDATE", "DELETE"] as const).map((operation) => {
        const number = rows.filter((row) => row.operation === operation).length;
        if (number === 0) return null;
        return (
          <span class={`badge ${operation}`} key={operation}>
            {`${count(number)} ${SINCE[operation]}`}
          </span>
        );
      })}
    </>
  );
}

function DiffLine({ table, row }: { table: string; row: DiffRow }) {
  const [isOpen, setOpen] = useState(false);
  const { before, after, operation, primary_key: key } = row;
  const columns = columnsOf(table);
  return (
    <div class={`change ${isOpen ? "is-open" : ""}`}>
      <div class="change-line since-line">
        <Expander
          isOpen={isOpen}
          label={`Differences of ${key === null ? "a row without a key" : keyText(key)}`}
          onToggle={() => setOpen(!isOpen)}
        />
        <OperationBadge operation={operation} />
        {key === null ? (
          <span class="muted">no key</span>
        ) : (
          <a class="text-link mono ellipsis" href={link("/record", { table, key })}>
            {keyText(key)}
          </a>
        )}
        <Summary before={before} after={after} operation={operation} columns={columns} />
      </div>
      {isOpen && (
        <div class="since-detail">
          <DiffTable before={before} after={after} operation={operation} columns={columns} />
        </div>
      )}
    </div>
  );
}
