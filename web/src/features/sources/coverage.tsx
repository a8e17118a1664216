// SPDX-License-Identifier: LGPL-3.0-or-later
// Context coverage: the share of changes with a given key, by table and by origin.

import { useState } from "preact/hooks";
import { type Coverage, get } from "../../api.ts";
import { Icon } from "../../components/icons.tsx";
import { RangePicker } from "../../components/range_picker.tsx";
import { Select } from "../../components/select.tsx";
import { Failed, Skeleton } from "../../components/states.tsx";
import { useLoad } from "../../components/use_load.ts";
import { adjust, link, query } from "../../router.ts";
import { contextKeys } from "../../state.ts";
import { type Bounds, boundsOf, count } from "../../time.ts";
import { emptyFilter, shortTableName, tableName, writeFilter } from "../filter/filter.ts";

export function ContextCoverage() {
  const keys = (contextKeys.value ?? []).map(({ key }) => key);
  const key = query.value.get("key") ?? (keys.includes("user_id") ? "user_id" : (keys[0] ?? "user_id"));
  const range = query.value.get("range");
  const bounds = boundsOf(range);
  const { value, error, retry } = useLoad(`${key}/${range}`, (signal) =>
    get("/api/context-coverage", { key, ...bounds }, signal),
  );
  const options = [...new Set([key, ...keys])].map((one) => [one, one] as const);
  return (
    <section class="card" aria-label="Context coverage">
      <header class="wrap">
        <h2>Context coverage</h2>
        <Select
          label="Context key"
          value={key}
          options={options}
          onChange={(next) => adjust({ key: next }, "replace")}
        />
        <span class="spacer" />
        <RangePicker />
      </header>
      {error !== undefined ? (
        <Failed error={error} retry={retry} />
      ) : !value ? (
        <div class="body">
          <Skeleton lines={3} />
        </div>
      ) : (
        <div class="coverage">
          {value.tables.map((row) => (
            <CoverageLine
              key={`${row.schema}.${row.table}/${key}/${range}`}
              row={row}
              contextKey={key}
              keys={keys}
              bounds={bounds}
            />
          ))}
          {value.tables.length === 0 && <p class="muted body">No changes in this period.</p>}
        </div>
      )}
    </section>
  );
}

function CoverageLine({
  row,
  contextKey,
  keys,
  bounds,
}: {
  row: Coverage;
  contextKey: string;
  keys: string[];
  bounds: Bounds;
}) {
  const [isOpen, setOpen] = useState(false);
  const missing = row.changes - row.with_key;
  const name = shortTableName(row.schema, row.table);
  const filter = writeFilter({
    ...emptyFilter(),
    table: tableName(row.schema, row.table),
    without: [contextKey],
  });
  return (
    <>
      <div class="coverage-line">
        <button
          type="button"
          class="row coverage-name"
          aria-expanded={isOpen}
          disabled={missing === 0}
          title={missing === 0 ? name : "Show where the others come from"}
          onClick={() => setOpen(!isOpen)}
        >
          {missing > 0 ? (
            <Icon name={isOpen ? "down" : "right"} size={14} />
          ) : (
            <Icon name="check" size={14} />
          )}
          <span class="ellipsis">{name}</span>
        </button>
        <CoverageFigures row={row} />
        {missing > 0 ? (
          <a class="text-link" href={link("/changes", { filter })}>
            {count(missing)} without {contextKey}
          </a>
        ) : (
          <span class="muted">all have it</span>
        )}
      </div>
      {isOpen && <WhereFrom row={row} contextKey={contextKey} keys={keys} bounds={bounds} />}
    </>
  );
}

function CoverageFigures({ row }: { row: Coverage }) {
  const share = row.with_key / row.changes;
  return (
    <>
      <span class="meter" role="img" aria-label={`${Math.round(share * 100)} %`}>
        <span class={share < 0.9 ? "low" : ""} style={{ width: `${share * 100}%` }} />
      </span>
      <strong class="number">{(share * 100).toFixed(share === 1 || share === 0 ? 0 : 1)} %</strong>
      <span class="muted number hide-phone">of {count(row.changes)}</span>
    </>
  );
}

const ORIGINS = ["endpoint", "path", "route", "job", "task", "worker", "service", "method"];

/** The endpoints or jobs whose changes lack the key. */
function WhereFrom({
  row,
  contextKey,
  keys,
  bounds,
}: {
  row: Coverage;
  contextKey: string;
  keys: string[];
  bounds: Bounds;
}) {
  const by = ORIGINS.find((one) => one !== contextKey && keys.includes(one)) ?? "endpoint";
  const table = tableName(row.schema, row.table);
  const { value, error, retry } = useLoad(by, (signal) =>
    get("/api/context-coverage", { key: contextKey, by, table, ...bounds }, signal),
  );
  if (error !== undefined) return <Failed error={error} retry={retry} />;
  if (!value) return <Skeleton lines={2} />;
  const lacking = value.tables.filter((one) => one.with_key < one.changes);
  return (
    <div class="coverage-origins">
      {lacking.map((one) => (
        <CoverageOrigin key={one.by ?? ""} row={one} by={by} table={table} contextKey={contextKey} />
      ))}
    </div>
  );
}

function CoverageOrigin({
  row,
  by,
  table,
  contextKey,
}: {
  row: Coverage;
  by: string;
  table: string;
  contextKey: string;
}) {
  const missing = row.changes - row.with_key;
  const origin = row.by ?? null;
  const filter = writeFilter({
    ...emptyFilter(),
    table,
    ...(origin === null
      ? { without: [contextKey, by] }
      : { without: [contextKey], context: [[by, origin] as [string, string]] }),
  });
  return (
    <div class="coverage-line">
      <span class={origin === null ? "muted" : "mono ellipsis"} title={row.by ?? ""}>
        {origin === null
          ? row.with_context === 0
            ? "no context: manual SQL, or code without Bemi"
            : `no ${by} in the context`
          : row.by}
      </span>
      <CoverageFigures row={row} />
      <a class="text-link" href={link("/changes", { filter })}>
        {count(missing)} without {contextKey}
      </a>
    </div>
  );
}
