// SPDX-License-Identifier: LGPL-3.0-or-later
// The context of a change, and links to everything else with the same context.

import { Icon } from "../../components/icons.tsx";
import { Value } from "../../components/value.tsx";
import { type Json, plain, type Row } from "../../json.ts";
import { link } from "../../router.ts";
import { contextField } from "../filter/filter.ts";

const DEEDS: [string, string][] = [
  ["request_id", "Everything in this request"],
  ["trace_id", "Everything in this trace"],
  ["job_id", "Everything in this job"],
];

/** The way from one change to everything that belongs together with it. */
export function WholeDeed({ context }: { context: Row }) {
  const found = DEEDS.find(([key]) => context[key] !== undefined && context[key] !== null);
  if (!found) return null;
  return (
    <a class="button small" href={link("/activity/one", { by: found[0], value: plain(context[found[0]]) })}>
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
      {entries.length === 0 && sql === undefined && <p class="muted">No context.</p>}
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
            title={`Show only changes with ${name} ${plain(value)}`}
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
            title={`All activity of ${name} ${plain(value)}`}
          >
            see all activity
          </a>
        )}
      </dd>
    </>
  );
}
