// SPDX-License-Identifier: LGPL-3.0-or-later
// Record: the life of one row. A slider over its versions shows the row, its changes, and their authors.

import { get } from "../api.ts";
import { Empty, Failed, Skeleton } from "../components/states.tsx";
import { TableSelect } from "../components/table_select.tsx";
import { useLoad } from "../components/use_load.ts";
import { tableName } from "../features/filter/filter.ts";
import { Versions } from "../features/record/versions.tsx";
import { go, link, query } from "../router.ts";
import { tables } from "../state.ts";

export function Record() {
  const table = query.value.get("table") ?? "";
  const key = query.value.get("key") ?? "";
  const source = query.value.get("source") ?? undefined;
  return (
    <>
      <header class="page-head">
        <h1>Record</h1>
        <form
          class="row record-form"
          onSubmit={(event) => {
            event.preventDefault();
            const wanted = String(new FormData(event.currentTarget).get("key") ?? "").trim();
            if (table !== "" && wanted !== "") go("/record", { table, key: wanted });
          }}
        >
          <TableSelect value={table} onChange={(next) => go("/record", { table: next })} />
          <input
            class="input mono"
            name="key"
            placeholder={keyHint(table)}
            aria-label="Primary key"
            key={`${table}/${key}`}
            defaultValue={key}
            autocomplete="off"
          />
          <button type="submit" class="button">
            Show
          </button>
        </form>
      </header>
      {table === "" || key === "" ? (
        <Introduction table={table} />
      ) : (
        <Life key={`${table}/${key}`} table={table} recordKey={key} source={source} />
      )}
    </>
  );
}

function keyHint(name: string): string {
  const table = tables.value?.find((one) => tableName(one.schema, one.table) === name);
  return table?.primary_key?.length ? table.primary_key.join(", ") : "primary key";
}

function Introduction({ table }: { table: string }) {
  return (
    <Empty icon="record" title="All versions of one row">
      <p>
        {table === "" ? "Choose a table and enter the key of a row" : "Enter the key of a row"}, or click a
        key in the list of changes. The record shows every version of the row, its changes and their authors.
      </p>
      <div class="row">
        <a class="button" href={link("/changes", table === "" ? {} : { filter: `table:${table}` })}>
          Search changes
        </a>
      </div>
    </Empty>
  );
}

function Life({
  table,
  recordKey,
  source,
}: {
  table: string;
  recordKey: string;
  source: string | undefined;
}) {
  const { value, error, retry } = useLoad(`${table}\n${recordKey}`, (signal) =>
    get("/api/history", { table, key: recordKey, source }, signal),
  );
  if (error !== undefined) return <Failed error={error} retry={retry} />;
  if (!value) return <Skeleton lines={10} />;
  return <Versions versions={value.versions} table={table} recordKey={recordKey} source={source} />;
}
