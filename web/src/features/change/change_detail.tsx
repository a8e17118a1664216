// SPDX-License-Identifier: LGPL-3.0-or-later
// The whole of one change: values, context, transaction.
import type { Change, Operation } from "../../api.ts";
import { copy } from "../../components/copy.ts";
import { DiffTable } from "../../components/differences.tsx";
import { Icon } from "../../components/icons.tsx";
import { SqlText } from "../../components/sql_text.tsx";
import { type Json, plain, pretty } from "../../json.ts";
import { link } from "../../router.ts";
import { tableOf } from "../../state.ts";
import { exactTime } from "../../time.ts";
import { emptyFilter, writeFilter } from "../filter/filter.ts";
import { columnNames } from "../filter/table_columns.ts";
import { ContextList, WholeDeed } from "./context_list.tsx";
import { recordLink } from "./record_link.ts";
import { asSql } from "./sql.ts";

const TITLES: Partial<Record<Operation, string>> = { UPDATE: "Changed values", DELETE: "Deleted values" };

export function ChangeDetail({ change, onFilter }: { change: Change; onFilter?: (word: string) => void }) {
  return (
    <div class="change-detail">
      <div class="stack">
        <div>
          <h2 class="label">{TITLES[change.operation] ?? "Values"}</h2>
          <DiffTable
            before={change.before}
            after={change.after}
            operation={change.operation}
            columns={columnNames(tableOf(change.source, change.schema, change.table))}
          />
        </div>
        <div class="row wrap">
          <WholeDeed context={change.context} />
          {change.primary_key !== null && (
            <a class="button small" href={recordLink(change)}>
              <Icon name="record" size={14} /> Record history
            </a>
          )}
          <a class="button small" href={undoLink(change)} hidden={!canUndo(change)}>
            <Icon name="undo" size={14} /> Undo this transaction…
          </a>
        </div>
        <Copies change={change} />
      </div>
      <div class="stack">
        <ContextList
          context={change.context}
          verified={change.context_verified}
          {...(onFilter && { onFilter })}
        />
        <TransactionFacts change={change} />
        {change.truncated !== undefined && (
          <Notes title="Values cut short, with their full size in bytes" notes={change.truncated} />
        )}
        {change.fidelity !== null && <Notes title="Capture notes" notes={change.fidelity} />}
      </div>
    </div>
  );
}

const canUndo = ({ operation }: Change) => operation !== "SNAPSHOT" && operation !== "SCHEMA";

function undoLink(change: Change): string {
  const filter = { ...emptyFilter(), transaction: plain(change.transaction_id), source: change.source };
  return link("/undo", { filter: writeFilter(filter) });
}

function Copies({ change }: { change: Change }) {
  const key = tableOf(change.source, change.schema, change.table)?.primary_key ?? null;
  const address = `${location.origin}/change/${change.id}`;
  return (
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
      <button type="button" class="button small" onClick={() => copy(address, "Link")}>
        <Icon name="link" size={14} /> Copy link
      </button>
    </div>
  );
}

function TransactionFacts({ change }: { change: Change }) {
  const id = plain(change.transaction_id);
  return (
    <div>
      <h2 class="label">Transaction</h2>
      <dl class="facts">
        <dt>ID</dt>
        <dd>
          <a
            class="text-link number"
            href={link("/activity/one", { by: "transaction", value: id, source: change.source })}
          >
            {id}
          </a>
        </dd>
        <dt>Committed</dt>
        <dd class="number" title={exactTime(change.committed_at)}>
          {exactTime(change.committed_at).split("\n")[0]}
        </dd>
        <dt>Source</dt>
        <dd>{change.source}</dd>
      </dl>
    </div>
  );
}

function Notes({ title, notes }: { title: string; notes: Json }) {
  return (
    <div>
      <h2 class="label">{title}</h2>
      <SqlText>{pretty(notes)}</SqlText>
    </div>
  );
}
