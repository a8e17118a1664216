// SPDX-License-Identifier: LGPL-3.0-or-later
// Time travel: a table at any time, and its changes since.

import { useState } from "preact/hooks";
import { Choice, type Option } from "../components/choice.tsx";
import { Empty } from "../components/states.tsx";
import { TableSelect } from "../components/table_select.tsx";
import { tableName } from "../features/filter/filter.ts";
import { Moment } from "../features/time_travel/moment.tsx";
import { RowsThen } from "../features/time_travel/rows_then.tsx";
import { Since } from "../features/time_travel/since.tsx";
import { adjust, query } from "../router.ts";
import { tables } from "../state.ts";

type View = "rows" | "diff";
const VIEWS: Option<View>[] = [
  { value: "rows", name: "Rows" },
  { value: "diff", name: "Changes since then" },
];

export function TimeTravel() {
  const table = query.value.get("table") ?? firstTable();
  const [began] = useState(() => new Date().toISOString());
  const asked = query.value.get("at") ?? "";
  const at = Number.isNaN(Date.parse(asked)) ? began : asked;
  const view = query.value.get("view") === "diff" ? "diff" : "rows";
  const key = `${table}/${at}`;
  return (
    <>
      <header class="page-head">
        <h1>Time travel</h1>
        <TableSelect value={table} onChange={(next) => adjust({ table: next, page: undefined })} />
        <div class="spacer" />
        <Choice
          label="View"
          options={VIEWS}
          value={view}
          onChange={(next) => adjust({ view: next === "diff" ? next : undefined })}
        />
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
            <RowsThen table={table} at={at} key={key} />
          ) : (
            <Since table={table} at={at} key={key} />
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
