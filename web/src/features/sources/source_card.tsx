// SPDX-License-Identifier: LGPL-3.0-or-later
// One source: health, worker, measures, gaps, tables.
import type { Source } from "../../api.ts";
import { Ago } from "../../components/ago.tsx";
import { Icon } from "../../components/icons.tsx";
import { Notice } from "../../components/states.tsx";
import { link } from "../../router.ts";
import { managedNames, tables } from "../../state.ts";
import { bytes, count, plural, shortTime, span } from "../../time.ts";
import { shortTableName, tableName } from "../filter/filter.ts";
import { Measure } from "./measures.tsx";
import { HEALTH, TONES } from "./verdicts.ts";

/** The worker that writes this history, and whether this server controls it. */
function Worker({ source }: { source: Source }) {
  const { worker } = source;
  const isManaged = managedNames.value.has(source.source);
  return (
    <p class="muted worker">
      <Icon name="sources" size={14} />
      <span>
        {isManaged
          ? "Tracked by a worker of this server"
          : worker?.here
            ? "Tracked by this program"
            : "Tracked by another worker, not controlled from here"}
        {worker && (
          <>
            : bemi {worker.version} on <strong>{worker.host}</strong> (process {worker.pid}), since{" "}
            {shortTime(worker.started_at)}
          </>
        )}
        {source.heard_at !== null && (
          <>
            {" "}
            · last seen <Ago at={source.heard_at} />
          </>
        )}
      </span>
    </p>
  );
}

export function SourceCard({ source }: { source: Source }) {
  const { level, problems } = source.health;
  return (
    <section class="card" aria-label={`Source ${source.source}`}>
      <header>
        <span class={`dot ${TONES[level]}`} />
        <h2>{source.source}</h2>
        <span class={`badge ${TONES[level]}`}>{HEALTH[level]}</span>
        <span class="spacer" />
        <span class="muted">
          database {source.database}, slot <code>{source.slot}</code>, epoch {source.epoch}
        </span>
      </header>
      <div class="body stack">
        {problems.map((problem) => (
          <Notice key={problem.sentence} {...(problem.level === "action" && { kind: "error" as const })}>
            {problem.sentence}
          </Notice>
        ))}
        {source.probe_error !== undefined && <p class="muted">The connection failed: {source.probe_error}</p>}
        <Worker source={source} />
        <Measures source={source} />
        {source.gaps.length > 0 && <Gaps source={source} />}
        <TrackedTables source={source.source} />
      </div>
    </section>
  );
}

function walNote(source: Source): string {
  if (!source.slot_known) return "reported by its worker";
  return source.safe_wal_bytes ? `${bytes(source.safe_wal_bytes)} until the limit` : "no limit set";
}

function Measures({ source }: { source: Source }) {
  const { lag_bytes: lag, retained_bytes: retained, written, written_with_context: known } = source;
  const size = (number: number | undefined) => (number === undefined ? "–" : bytes(number));
  return (
    <dl class="measures">
      <Measure name="Lag" value={size(lag)} samples={lag} />
      <Measure
        name="WAL retained by the slot"
        value={size(retained)}
        samples={retained}
        note={walNote(source)}
      />
      <Measure
        name="Changes stored"
        value={count(source.changes)}
        samples={source.changes}
        isRate
        note={plural(source.transactions, "transaction")}
      />
      <Measure
        name="With context"
        value={written === 0 ? "–" : `${((known / written) * 100).toFixed(1)} %`}
        note={`${count(written - known)} without`}
      />
      <Measure
        name="Last change"
        value={source.last_change_at ? shortTime(source.last_change_at) : "none yet"}
        note={source.progress_age_seconds === null ? "" : `progress ${span(source.progress_age_seconds)} ago`}
      />
    </dl>
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
              {gap.from_position ?? "?"} – {gap.to_position ?? "?"}, detected {shortTime(gap.detected_at)}
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
      <h3>{plural(own.length, "tracked table")}</h3>
      <div class="row wrap tracked">
        {own.map((table) => (
          <a
            key={`${table.schema}.${table.table}`}
            class="badge none"
            href={link("/time-travel", { table: tableName(table.schema, table.table) })}
            title={`${table.whole ? "complete" : "not all rows known"}, since ${shortTime(table.since)}`}
          >
            {shortTableName(table.schema, table.table)}
            {!table.whole && " (incomplete)"}
          </a>
        ))}
      </div>
    </div>
  );
}
