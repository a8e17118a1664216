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

interface ContextProps {
  context: Row;
  /** Whether its signature is right; null if nobody signed it, undefined where one change is not spoken of. */
  verified?: boolean | null;
  onFilter?: (word: string) => void;
}

export function ContextList({ context, verified, onFilter }: ContextProps) {
  const entries = Object.entries(context).filter(([name]) => name !== "SQL");
  const sql = context.SQL;
  const isEmpty = entries.length === 0 && sql === undefined;
  return (
    <div>
      <h2 class="label">Context</h2>
      {verified !== undefined && !(verified === null && isEmpty) && <Signature verified={verified} />}
      {isEmpty && <p class="muted">No context.</p>}
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

function Signature({ verified }: { verified: boolean | null }) {
  if (verified === null) {
    return (
      <p class="signature muted" title="Any role that may log in can write such a context">
        Not signed
      </p>
    );
  }
  return verified ? (
    <p class="signature muted" title="The application's key signed this context">
      <Icon name="check" size={14} /> Signed
    </p>
  ) : (
    <p
      class="signature wrong"
      title="Somebody without the key may have written this context, or written it again"
    >
      <Icon name="warn" size={14} /> Signature does not match
    </p>
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
