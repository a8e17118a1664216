// SPDX-License-Identifier: LGPL-3.0-or-later
// Sources: whether each database's history is whole and up to date, and whose context is missing.
import { useEffect, useRef, useState } from "preact/hooks";
import { type Coverage, get, type Source } from "../api.ts";
import { emptyFilter, shortTableName, tableName, writeFilter } from "../filter.ts";
import { Icon } from "../icons.tsx";
import { Ago, Empty, Failed, Notice, RangePicker, Skeleton, useLoad } from "../parts/basics.tsx";
import { ManagedSources } from "../parts/managed.tsx";
import { adjust, link, query } from "../router.ts";
import { contextKeys, loadSources, managedNames, sources, sourcesFailed, tables } from "../state.ts";
import { type Bounds, boundsOf, bytes, count, now, shortTime, span } from "../time.ts";

const SAMPLE_MS = 2000;
const SAMPLES = 150;

export function Sources() {
  useEffect(() => {
    const timer = setInterval(() => document.visibilityState === "visible" && void loadSources(), SAMPLE_MS);
    void loadSources();
    return () => clearInterval(timer);
  }, []);
  return (
    <>
      <header class="page-head">
        <h1>Sources</h1>
      </header>
      {sourcesFailed.value !== "" && sources.value === null ? (
        <Failed error={new Error(sourcesFailed.value)} retry={() => void loadSources()} />
      ) : sources.value === null ? (
        <Skeleton lines={8} height={26} />
      ) : sources.value.length === 0 ? (
        <div class="stack">
          <ManagedSources />
          {managedNames.value.size === 0 && (
            <Empty icon="sources" title="No database is tracked yet">
              <p>
                Connect one here where this server may, or start a worker:{" "}
                <code>bemi run --source postgresql://…</code>
              </p>
            </Empty>
          )}
        </div>
      ) : (
        <div class="stack">
          <ManagedSources />
          {sources.value.map((source) => (
            <SourceCard key={source.source} source={source} />
          ))}
          <ContextCoverage />
        </div>
      )}
    </>
  );
}

interface Verdict {
  tone: "good" | "warn" | "bad";
  text: string;
}

function verdicts(source: Source): Verdict[] {
  const found: Verdict[] = [];
  if (source.open_gaps > 0)
    found.push({
      tone: "bad",
      text: "The history has a gap: what happened in it is not known. To go on with a new baseline: bemi init --accept-gap",
    });
  if (source.slot_there === false)
    found.push({ tone: "bad", text: `The replication slot ${source.slot} is gone.` });
  if (source.wal_status === "lost")
    found.push({ tone: "bad", text: "The source has cut off the WAL that this slot still needed." });
  if (source.wal_status === "unreserved")
    found.push({
      tone: "bad",
      text: "The source is about to cut off the WAL that this slot needs: the worker must catch up now.",
    });
  if (source.slot_there && source.slot_active === false)
    found.push({
      tone: "warn",
      text: "No worker reads the slot; the source keeps its WAL meanwhile. Start one with bemi run.",
    });
  if (source.parked > 0)
    found.push({
      tone: "warn",
      text: `${count(source.parked)} messages or changes could not be stored as what they are; they are kept with their bytes in _bemi.parked.`,
    });
  if (source.contexts_rejected > 0)
    found.push({
      tone: "warn",
      text: `${count(source.contexts_rejected)} contexts could not be read; their changes are stored without.`,
    });
  if (!source.slot_known && isSilent(source))
    found.push({
      tone: "warn",
      text: `Its worker has not been heard of for ${span(silence(source))}. It is started and stopped where it runs, not from here.`,
    });
  if (source.probe_error)
    found.push({ tone: "warn", text: `The source does not answer: ${source.probe_error}` });
  return found;
}

// Beyond a worker's heartbeat, by far.
const SILENT_SECONDS = 300;
const silence = ({ heard_at }: Source) =>
  heard_at === null ? 0 : Math.max(0, (now.value - Date.parse(heard_at)) / 1000);
const isSilent = (source: Source) => silence(source) > SILENT_SECONDS;

/** Who writes this history, and whether one can do anything about it here. */
function Worker({ source }: { source: Source }) {
  const { worker } = source;
  const isManaged = managedNames.value.has(source.source);
  return (
    <p class="muted worker">
      <Icon name="sources" size={14} />
      <span>
        {isManaged
          ? "Tracked from here"
          : worker?.here
            ? "Tracked by this program"
            : "Tracked by a worker elsewhere, not controlled from here"}
        {worker && (
          <>
            : bemi {worker.version} on <strong>{worker.host}</strong> (process {worker.pid}), since{" "}
            {shortTime(worker.started_at)}
          </>
        )}
        {source.heard_at !== null && (
          <>
            {" "}
            · last heard of <Ago at={source.heard_at} />
          </>
        )}
      </span>
    </p>
  );
}

function SourceCard({ source }: { source: Source }) {
  const found = verdicts(source);
  const worst = found.some(({ tone }) => tone === "bad") ? "bad" : found.length > 0 ? "warn" : "good";
  const share = source.written === 0 ? 1 : source.written_with_context / source.written;
  return (
    <section class="card" aria-label={`Source ${source.source}`}>
      <header>
        <span class={`dot ${worst}`} />
        <h2>{source.source}</h2>
        <span class={`badge ${worst}`}>
          {worst === "good" ? "Up to date" : worst === "warn" ? "Look at it" : "Act now"}
        </span>
        <span class="spacer" />
        <span class="muted">
          database {source.database}, slot <code>{source.slot}</code>, epoch {source.epoch}
        </span>
      </header>
      <div class="body stack">
        {found.map(({ tone, text }) => (
          <Notice key={text} {...(tone === "bad" && { kind: "error" as const })}>
            {text}
          </Notice>
        ))}
        <Worker source={source} />
        <dl class="measures">
          <Measure
            name="Behind the source"
            value={source.lag_bytes === undefined ? "–" : bytes(source.lag_bytes)}
            samples={source.lag_bytes}
          />
          <Measure
            name="WAL kept for us"
            value={source.retained_bytes === undefined ? "–" : bytes(source.retained_bytes)}
            samples={source.retained_bytes}
            note={
              !source.slot_known
                ? "its own worker knows"
                : source.safe_wal_bytes
                  ? `${bytes(source.safe_wal_bytes)} until it is cut`
                  : "no limit set"
            }
          />
          <Measure
            name="Changes stored"
            value={count(source.changes)}
            samples={source.changes}
            isRate
            note={`${count(source.transactions)} transactions`}
          />
          <Measure
            name="With a context"
            value={`${(share * 100).toFixed(1)} %`}
            note={`${count(source.written - source.written_with_context)} without`}
          />
          <Measure
            name="Last change"
            value={source.last_change_at ? shortTime(source.last_change_at) : "none yet"}
            note={
              source.progress_age_seconds === null ? "" : `progress ${span(source.progress_age_seconds)} ago`
            }
          />
        </dl>
        {source.gaps.length > 0 && <Gaps source={source} />}
        <TrackedTables source={source.source} />
      </div>
    </section>
  );
}

function Measure({
  name,
  value,
  note = "",
  samples,
  isRate = false,
}: {
  name: string;
  value: string;
  note?: string;
  samples?: number | undefined;
  isRate?: boolean;
}) {
  const kept = useRef<number[]>([]);
  const [, redraw] = useState(0);
  useEffect(() => {
    if (samples === undefined) return;
    const timer = setInterval(() => redraw((n) => n + 1), SAMPLE_MS);
    return () => clearInterval(timer);
  }, [samples === undefined]);
  if (samples !== undefined) kept.current = [...kept.current, samples].slice(-SAMPLES);
  const line = isRate ? kept.current.slice(1).map((sample, i) => sample - kept.current[i]!) : kept.current;
  return (
    <div class="measure">
      <dt>{name}</dt>
      <dd class="number">{value}</dd>
      <dd class="muted note">{note}</dd>
      {samples !== undefined && <Sparkline values={line} />}
    </div>
  );
}

function Sparkline({ values }: { values: number[] }) {
  const most = Math.max(1, ...values);
  const points = values.map(
    (value, i) => `${(i / Math.max(1, values.length - 1)) * 100},${26 - (value / most) * 24}`,
  );
  return (
    <svg class="sparkline" viewBox="0 0 100 28" preserveAspectRatio="none" aria-hidden="true">
      <polyline points={points.length > 1 ? points.join(" ") : "0,26 100,26"} />
    </svg>
  );
}

function Gaps({ source }: { source: Source }) {
  return (
    <div>
      <h3>Gaps</h3>
      <ul class="plain-list">
        {source.gaps.map((gap) => (
          <li key={`${gap.epoch}/${gap.detected_at}`} class="row">
            <span class={`badge ${gap.accepted_at === null ? "bad" : "none"}`}>
              {gap.accepted_at === null ? "open" : "accepted"}
            </span>
            <span>{gap.reason}</span>
            <span class="muted number">
              {gap.from_position ?? "?"} – {gap.to_position ?? "?"}, found {shortTime(gap.detected_at)}
            </span>
          </li>
        ))}
      </ul>
    </div>
  );
}

function TrackedTables({ source }: { source: string }) {
  const own = (tables.value ?? []).filter((table) => table.source === source);
  if (own.length === 0) return null;
  return (
    <div>
      <h3>{own.length === 1 ? "One tracked table" : `${count(own.length)} tracked tables`}</h3>
      <div class="row wrap tracked">
        {own.map((table) => (
          <a
            key={`${table.schema}.${table.table}`}
            class="badge none"
            href={link("/time-travel", { table: tableName(table.schema, table.table) })}
            title={`${table.whole ? "whole" : "not all rows known"}, since ${shortTime(table.since)}`}
          >
            {shortTableName(table.schema, table.table)}
            {!table.whole && " (in part)"}
          </a>
        ))}
      </div>
    </div>
  );
}

function ContextCoverage() {
  const keys = (contextKeys.value ?? []).map(({ key }) => key);
  const key = query.value.get("key") ?? (keys.includes("user_id") ? "user_id" : (keys[0] ?? "user_id"));
  const range = query.value.get("range");
  const bounds = boundsOf(range);
  const { value, error, retry } = useLoad(`${key}/${range}`, (signal) =>
    get<{ tables: Coverage[] }>("/api/context-coverage", { key, ...bounds }, signal),
  );
  return (
    <section class="card" aria-label="Context coverage">
      <header class="wrap">
        <h2>Whose changes say who</h2>
        <select
          class="input"
          aria-label="Key of the context"
          value={key}
          onChange={(event) => adjust({ key: event.currentTarget.value }, "replace")}
        >
          {!keys.includes(key) && <option value={key}>{key}</option>}
          {keys.map((one) => (
            <option key={one} value={one}>
              {one}
            </option>
          ))}
        </select>
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
          {value.tables.length === 0 && <p class="muted body">Nothing has changed in this time.</p>}
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
          title={missing === 0 ? name : "Where they come from"}
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
            {count(missing)} carry no {contextKey}
          </a>
        ) : (
          <span class="muted">all do</span>
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

/** Which endpoints, or jobs, write without saying who. */
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
    get<{ tables: Coverage[] }>("/api/context-coverage", { key: contextKey, by, table, ...bounds }, signal),
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
  const isNowhere = row.by === null || row.by === undefined;
  const filter = writeFilter({
    ...emptyFilter(),
    table,
    ...(isNowhere ? { without: [contextKey, by] } : { without: [contextKey], context: [[by, row.by!]] }),
  });
  return (
    <div class="coverage-line">
      <span class={isNowhere ? "muted" : "mono ellipsis"} title={row.by ?? ""}>
        {isNowhere
          ? row.with_context === 0
            ? "no context at all: SQL by hand, or code that passes none"
            : `no ${by} in the context`
          : row.by}
      </span>
      <CoverageFigures row={row} />
      <a class="text-link" href={link("/changes", { filter })}>
        {count(missing)} carry no {contextKey}
      </a>
    </div>
  );
}
