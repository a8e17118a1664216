// SPDX-License-Identifier: LGPL-3.0-or-later
// One change: a line, and what it opens into.
import type { Change } from "../api.ts";
import { contextField, shortTableName, tableName } from "../filter.ts";
import { Icon } from "../icons.tsx";
import { type Json, plain, pretty, type Row } from "../json.ts";
import { link } from "../router.ts";
import { asSql } from "../sql.ts";
import { tableOf } from "../state.ts";
import { clockTime, exactTime } from "../time.ts";
import { personOf, placeOf } from "../who.ts";
import { copy, OperationBadge } from "./basics.tsx";
import { DiffTable, Summary, Value } from "./values.tsx";

export function recordLink(change: {
  source: string;
  schema: string;
  table: string;
  primary_key: string | null;
}): string {
  return link("/record", {
    table: tableName(change.schema, change.table),
    key: change.primary_key ?? undefined,
    source: change.source,
  });
}

export function Person({ context }: { context: Row }) {
  const person = personOf(context);
  if (!person) return null;
  return (
    <span class="person" title={`${person[0]}: ${person[1]}`}>
      <Icon name="user" size={13} />
      <span class="ellipsis">{person[1]}</span>
    </span>
  );
}

export function ChangeLine(props: { change: Change; isOpen: boolean; onToggle: () => void }) {
  const { change } = props;
  const place = placeOf(change.context);
  const hasContext = Object.keys(change.context).length > 0;
  return (
    <div class="change-line" onClick={(event) => !(event.target as Element).closest("a") && props.onToggle()}>
      <button
        type="button"
        class="expander"
        aria-expanded={props.isOpen}
        aria-label={`${props.isOpen ? "Hide" : "Show"} what changed`}
      >
        <Icon name="right" size={14} />
      </button>
      <OperationBadge operation={change.operation} />
      <span class="where">
        <span class="table ellipsis" title={`${change.schema}.${change.table}`}>
          {shortTableName(change.schema, change.table)}
        </span>
        {change.primary_key !== null && (
          <a
            class="key ellipsis plain-link"
            href={recordLink(change)}
            title={`History of ${change.primary_key}`}
          >
            {change.primary_key}
          </a>
        )}
      </span>
      <Summary before={change.before} after={change.after} operation={change.operation} />
      <span class="who">
        <Person context={change.context} />
        {place !== undefined ? (
          <span class="place ellipsis" title={place}>
            {place}
          </span>
        ) : (
          !hasContext && <span class="muted">no context</span>
        )}
      </span>
      <time class="at number" dateTime={change.effective_at} title={exactTime(change.effective_at)}>
        {clockTime(change.effective_at)}
      </time>
    </div>
  );
}

export function ChangeDetail({ change, onFilter }: { change: Change; onFilter?: (word: string) => void }) {
  const key = tableOf(change.source, change.schema, change.table)?.primary_key ?? null;
  return (
    <div class="change-detail">
      <div class="stack">
        <div>
          <h2 class="label">
            {change.operation === "UPDATE"
              ? "What changed"
              : change.operation === "DELETE"
                ? "What was deleted"
                : "Values"}
          </h2>
          <DiffTable before={change.before} after={change.after} operation={change.operation} />
        </div>
        <div class="row wrap">
          <WholeDeed context={change.context} />
          {change.primary_key !== null && (
            <a class="button small" href={recordLink(change)}>
              <Icon name="record" size={14} /> History of this record
            </a>
          )}
        </div>
        <div class="row wrap">
          <button type="button" class="button small" onClick={() => copy(asSql(change, key), "SQL")}>
            <Icon name="code" size={14} /> Copy SQL
          </button>
          <button
            type="button"
            class="button small"
            onClick={() => copy(pretty(change as unknown as Json), "JSON")}
          >
            <Icon name="copy" size={14} /> Copy JSON
          </button>
          <button
            type="button"
            class="button small"
            onClick={() => copy(`${location.origin}/change/${change.id}`, "Link")}
          >
            <Icon name="link" size={14} /> Copy link
          </button>
        </div>
      </div>
      <div class="stack">
        <ContextList context={change.context} {...(onFilter && { onFilter })} />
        <div>
          <h2 class="label">Transaction</h2>
          <dl class="facts">
            <dt>id</dt>
            <dd>
              <a
                class="text-link number"
                href={link("/activity/one", {
                  by: "transaction",
                  value: plain(change.transaction_id),
                  source: change.source,
                })}
              >
                {plain(change.transaction_id)}
              </a>
            </dd>
            <dt>committed</dt>
            <dd class="number">{exactTime(change.committed_at).split("\n")[0]}</dd>
            <dt>source</dt>
            <dd>{change.source}</dd>
          </dl>
        </div>
        {change.truncated !== undefined && (
          <div>
            <h2 class="label">Too large to show whole: the bytes of what is cut</h2>
            <pre class="sql">{pretty(change.truncated)}</pre>
          </div>
        )}
        {change.fidelity !== null && (
          <div>
            <h2 class="label">Not plainly captured</h2>
            <pre class="sql">{pretty(change.fidelity)}</pre>
          </div>
        )}
      </div>
    </div>
  );
}

const DEEDS: [string, string][] = [
  ["request_id", "All that this request did"],
  ["trace_id", "All that this trace did"],
  ["job_id", "All that this job did"],
];

/** The way from one change to everything that belongs together with it. */
export function WholeDeed({ context }: { context: Row }) {
  const found = DEEDS.find(([key]) => context[key] !== undefined && context[key] !== null);
  if (!found) return null;
  return (
    <a class="button small" href={link("/activity/one", { by: found[0], value: plain(context[found[0]]!) })}>
      <Icon name="activity" size={14} /> {found[1]}
    </a>
  );
}

export function ContextList({ context, onFilter }: { context: Row; onFilter?: (word: string) => void }) {
  const entries = Object.entries(context).filter(([name]) => name !== "SQL");
  const sql = context.SQL;
  return (
    <div>
      <h2 class="label">Context</h2>
      {entries.length === 0 && sql === undefined && <p class="muted">The application passed none.</p>}
      <dl class="facts">
        {entries.map(([name, value]) => (
          <ContextEntry key={name} name={name} value={value} {...(onFilter && { onFilter })} />
        ))}
      </dl>
      {sql !== undefined && (
        <pre
          class="sql"
          style={{ marginTop: entries.length > 0 ? "10px" : 0 }}
          title="The statement that the application ran"
        >
          {plain(sql)}
        </pre>
      )}
    </div>
  );
}

function ContextEntry({
  name,
  value,
  onFilter,
}: {
  name: string;
  value: Json;
  onFilter?: (word: string) => void;
}) {
  const isScalar = value !== null && typeof value !== "object";
  return (
    <>
      <dt title={name}>{name}</dt>
      <dd class="row">
        {isScalar && onFilter ? (
          <button
            type="button"
            class="value"
            title={`Only changes with ${name} ${plain(value)}`}
            onClick={() => onFilter(contextField(name, plain(value)))}
          >
            {plain(value)}
          </button>
        ) : (
          <Value value={value} />
        )}
        {isScalar && (
          <a
            class="all-it-did"
            href={link("/activity/one", { by: name, value: plain(value) })}
            title={`Everything that ${name} ${plain(value)} did`}
          >
            all it did
          </a>
        )}
      </dd>
    </>
  );
}
