// SPDX-License-Identifier: LGPL-3.0-or-later
// One change in one line, and lists of such lines.

import { useState } from "preact/hooks";
import type { Change, Operation } from "../../api.ts";
import { Summary } from "../../components/differences.tsx";
import { Expander } from "../../components/expander.tsx";
import { OperationBadge } from "../../components/operation_badge.tsx";
import { sources, tableOf } from "../../state.ts";
import { clockTime, exactTime } from "../../time.ts";
import { shortTableName } from "../filter/filter.ts";
import { columnNames } from "../filter/table_columns.ts";
import { ChangeDetail } from "./change_detail.tsx";
import { keyText } from "./key_text.ts";
import { Person } from "./person.tsx";
import { recordLink } from "./record_link.ts";
import { placeOf } from "./who.ts";

export const OPERATIONS_DONE: Record<Operation, string> = {
  CREATE: "Creation",
  UPDATE: "Update",
  DELETE: "Deletion",
  TRUNCATE: "Truncation",
  SNAPSHOT: "Baseline",
  SCHEMA: "Schema change",
};

/** One name for each line, so that a list of buttons can be told apart by ear. */
function nameOf(change: Change): string {
  const record = `${shortTableName(change.schema, change.table)} ${keyText(change.primary_key ?? "")}`.trim();
  return `${OPERATIONS_DONE[change.operation]} of ${record}, ${clockTime(change.effective_at)}`;
}

export function ChangeLine(props: { change: Change; isOpen: boolean; onToggle: () => void }) {
  const { change } = props;
  const place = placeOf(change.context);
  const hasContext = Object.keys(change.context).length > 0;
  return (
    <div class="change-line">
      <Expander isOpen={props.isOpen} label={nameOf(change)} onToggle={props.onToggle} />
      <OperationBadge operation={change.operation} />
      <span class="where">
        <span class="table ellipsis" title={`${change.schema}.${change.table}`}>
          {shortTableName(change.schema, change.table)}
        </span>
        {(sources.value?.length ?? 0) > 1 && (
          <span class="badge none hide-phone" title="Source">
            {change.source}
          </span>
        )}
        {change.primary_key !== null && (
          <a
            class="key ellipsis plain-link"
            href={recordLink(change)}
            title={`History of ${keyText(change.primary_key)}`}
          >
            {keyText(change.primary_key)}
          </a>
        )}
      </span>
      <Summary
        before={change.before}
        after={change.after}
        operation={change.operation}
        columns={columnNames(tableOf(change.source, change.schema, change.table))}
      />
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

/** Lines of changes, one of them open. */
export function ChangeLines({ changes }: { changes: Change[] }) {
  const [open, setOpen] = useState<string | null>(null);
  return (
    <>
      {changes.map((change) => {
        const isOpen = open === change.id;
        return (
          <div key={change.id} class={`change ${isOpen ? "is-open" : ""}`}>
            <ChangeLine change={change} isOpen={isOpen} onToggle={() => setOpen(isOpen ? null : change.id)} />
            {isOpen && <ChangeDetail change={change} />}
          </div>
        );
      })}
    </>
  );
}
