// SPDX-License-Identifier: LGPL-3.0-or-later
// Activity: changes by who or what they belong to; and all that one user, request or transaction did.
import { useState } from "preact/hooks";
import { type Change, type Group, get } from "../api.ts";
import {
  emptyFilter,
  type Filter,
  filterParameters,
  parseFilter,
  shortTableName,
  writeFilter,
} from "../filter.ts";
import { Icon } from "../icons.tsx";
import { plain, type Row } from "../json.ts";
import { Ago, Empty, Failed, Notice, RangePicker, Skeleton, useLoad } from "../parts/basics.tsx";
import { ChangeDetail, ChangeLine, ContextList, Person } from "../parts/change_row.tsx";
import { FilterBar } from "../parts/filter_bar.tsx";
import { adjust, link, query } from "../router.ts";
import { contextKeys, sources } from "../state.ts";
import { boundsOf, count, exactTime, shortTime, span } from "../time.ts";
import { placeOf } from "../who.ts";

const FAMILIAR: [string, string][] = [
  ["user_id", "User"],
  ["request_id", "Request"],
  ["endpoint", "Endpoint"],
  ["trace_id", "Trace"],
];

const MOST_CHANGES = 500;

function choices(): [string, string][] {
  const keys = (contextKeys.value ?? []).map(({ key }) => key);
  const familiar = FAMILIAR.filter(([key]) => keys.includes(key));
  return [...familiar, ["transaction", "Transaction"], ["table", "Table"]];
}

export function Activity() {
  const by = query.value.get("by") ?? choices()[0]![0];
  const text = query.value.get("filter") ?? "";
  const range = query.value.get("range");
  const bounds = boundsOf(range);
  const parameters: [string, string][] = [["by", by], ...filterParameters(parseFilter(text).filter)];
  if (bounds.since) parameters.push(["since", bounds.since]);
  if (bounds.until) parameters.push(["until", bounds.until]);
  const { value, error, isLoading, retry } = useLoad(JSON.stringify(parameters), (signal) =>
    get<{ groups: Group[] }>("/api/groups", parameters, signal),
  );
  const others = (contextKeys.value ?? [])
    .map(({ key }) => key)
    .filter((key) => !choices().some(([name]) => name === key));
  const isOther = !choices().some(([name]) => name === by);
  return (
    <>
      <header class="page-head">
        <h1>Activity</h1>
        <div class="spacer" />
        <RangePicker />
      </header>
      <div class="row wrap group-by">
        <span class="muted">Group by</span>
        <div class="segmented" role="group" aria-label="Group by">
          {choices().map(([key, name]) => (
            <button type="button" key={key} aria-pressed={key === by} onClick={() => adjust({ by: key })}>
              {name}
            </button>
          ))}
        </div>
        {(others.length > 0 || isOther) && (
          <select
            class="input"
            aria-label="Another key of the context"
            value={isOther ? by : ""}
            onChange={(event) => adjust({ by: event.currentTarget.value })}
          >
            <option value="" disabled>
              Other key…
            </option>
            {isOther && !others.includes(by) && <option value={by}>{by}</option>}
            {others.map((key) => (
              <option key={key} value={key}>
                {key}
              </option>
            ))}
          </select>
        )}
      </div>
      <FilterBar text={text} onChange={(filter) => adjust({ filter: filter || undefined })} />
      {error !== undefined ? (
        <Failed error={error} retry={retry} />
      ) : !value ? (
        <Skeleton lines={8} height={28} />
      ) : value.groups.length === 0 ? (
        <Empty icon="activity" title="Nothing to group">
          <p>No change in this time says “{by}”. Try another key, or a longer time.</p>
        </Empty>
      ) : (
        <div class={`groups ${isLoading ? "is-stale" : ""}`}>
          {value.groups.map((group) => (
            <GroupLine key={`${group.value}/${group.source}/${group.first}`} group={group} by={by} />
          ))}
          {value.groups.length >= 100 && (
            <p class="muted more-note">The latest 100. Narrow the time or the filter for others.</p>
          )}
        </div>
      )}
    </>
  );
}

function GroupLine({ group, by }: { group: Group; by: string }) {
  const place = placeOf(group.context);
  const target = link("/activity/one", {
    by,
    value: group.value,
    source: by === "transaction" ? group.source : undefined,
  });
  const isPerson = by === "user_id";
  return (
    <a class="group-line" href={target}>
      <span class="group-name">
        <span class="mono ellipsis" title={group.value}>
          {group.value}
        </span>
        <span class="row muted group-context">
          {!isPerson && <Person context={group.context} />}
          {by !== "endpoint" && !isPerson && place !== undefined && <span class="ellipsis">{place}</span>}
          {(isPerson || by === "endpoint") && (
            <span class="number">{count(group.transactions)} transactions</span>
          )}
        </span>
      </span>
      <span class="row wrap group-tables">
        {group.tables.slice(0, 3).map((table) => (
          <span class="badge none" key={table}>
            <span class="ellipsis">{table.replace(/^public\./, "")}</span>
          </span>
        ))}
        {group.tables.length > 3 && <span class="muted">+{group.tables.length - 3}</span>}
      </span>
      <OperationBar group={group} />
      <span class="number group-count">
        {count(group.changes)} <span class="muted">{group.changes === 1 ? "change" : "changes"}</span>
      </span>
      <span class="muted group-at">
        <Ago at={group.last} />
      </span>
      <Icon name="right" size={14} />
    </a>
  );
}

function OperationBar({ group }: { group: Pick<Group, "created" | "updated" | "deleted" | "changes"> }) {
  const parts = [
    ["created", group.created],
    ["updated", group.updated],
    ["deleted", group.deleted],
  ] as const;
  const title = parts
    .filter(([, number]) => number > 0)
    .map(([name, number]) => `${count(number)} ${name}`)
    .join(", ");
  return (
    <span class="op-bar" title={title} role="img" aria-label={title}>
      {parts.map(
        ([name, number]) =>
          number > 0 && <span key={name} class={`swatch ${name}`} style={{ width: "auto", flex: number }} />,
      )}
    </span>
  );
}

// ---- One of them ----

function filterOf(by: string, value: string, source: string | null): Filter {
  const filter = emptyFilter();
  if (by === "transaction") filter.transaction = value;
  else if (by === "table") filter.table = value;
  else if (by === "operation") filter.operation = value;
  else filter.context.push([by, value]);
  if (source) filter.source = source;
  return filter;
}

interface Transaction {
  id: string;
  at: string;
  context: Row;
  changes: Change[];
}

/** In the order of what happened. */
function transactionsOf(changes: Change[]): Transaction[] {
  const found: Transaction[] = [];
  for (const change of [...changes].reverse()) {
    const id = `${change.source}/${plain(change.transaction_id)}`;
    let last = found.at(-1);
    if (last?.id !== id) {
      last = { id, at: change.effective_at, context: change.context, changes: [] };
      found.push(last);
    }
    last.changes.push(change);
  }
  return found;
}

const TITLES: Record<string, string> = {
  user_id: "User",
  request_id: "Request",
  endpoint: "Endpoint",
  trace_id: "Trace",
  transaction: "Transaction",
  table: "Table",
};

export function OneActivity() {
  const by = query.value.get("by") ?? "";
  const value = query.value.get("value") ?? "";
  const source = query.value.get("source");
  const range = query.value.get("range");
  const bounds = boundsOf(range);
  const filter = filterOf(by, value, source);
  const parameters = filterParameters(filter);
  if (bounds.since) parameters.push(["since", bounds.since]);
  if (bounds.until) parameters.push(["until", bounds.until]);
  const {
    value: page,
    error,
    retry,
  } = useLoad(JSON.stringify(parameters), (signal) =>
    get<{ changes: Change[]; next: string | null }>(
      "/api/changes",
      [...parameters, ["limit", String(MOST_CHANGES)]],
      signal,
    ),
  );
  const isMany = by === "user_id" || by === "endpoint" || by === "table";
  const words = writeFilter(filter);
  return (
    <>
      <header class="page-head">
        <a class="button quiet icon small" href={link("/activity", { by })} aria-label="Back to the groups">
          <Icon name="left" />
        </a>
        <div class="titles">
          <h1 class="row">
            <span>{TITLES[by] ?? by}</span>
            <span class="mono ellipsis one-name" title={value}>
              {value}
            </span>
          </h1>
        </div>
        <div class="spacer" />
        {isMany && <RangePicker />}
        <a class="button small" href={link("/changes", { filter: words, range: range ?? undefined })}>
          <Icon name="changes" size={14} /> Among all changes
        </a>
        <a class="button small" href={link("/undo", { filter: words, range: range ?? undefined })}>
          <Icon name="undo" size={14} /> Undo this…
        </a>
      </header>
      {error !== undefined ? (
        <Failed error={error} retry={retry} />
      ) : !page ? (
        <Skeleton lines={10} height={26} />
      ) : page.changes.length === 0 ? (
        <Empty icon="activity" title="It changed nothing">
          <p>No change in this time belongs to it.</p>
        </Empty>
      ) : (
        <WhatItDid by={by} changes={page.changes} isCut={page.next !== null} />
      )}
    </>
  );
}

function WhatItDid({ by, changes, isCut }: { by: string; changes: Change[]; isCut: boolean }) {
  const transactions = transactionsOf(changes);
  const counts = new Map<string, number>();
  for (const change of changes) {
    const name = shortTableName(change.schema, change.table);
    counts.set(name, (counts.get(name) ?? 0) + 1);
  }
  const first = changes.at(-1)!.effective_at;
  const last = changes[0]!.effective_at;
  const seconds = (Date.parse(last) - Date.parse(first)) / 1000;
  const isOne = by !== "user_id" && by !== "endpoint" && by !== "table" && by !== "operation";
  return (
    <>
      {isCut && (
        <Notice kind="info">The latest {count(changes.length)} changes. Choose a time to see others.</Notice>
      )}
      <div class="figures">
        <Figure name="Changes" value={count(changes.length) + (isCut ? "+" : "")} />
        <Figure name="Transactions" value={count(transactions.length)} />
        <Figure
          name="Tables"
          value={[...counts].map(([name, number]) => `${name} ${count(number)}`).join(", ")}
          isText
        />
        <Figure
          name={seconds > 1 ? "Over" : "At"}
          value={seconds > 1 ? `${span(seconds)}` : shortTime(first)}
          title={`${exactTime(first)}\n…\n${exactTime(last)}`}
        />
      </div>
      <div class={isOne ? "one-grid" : ""}>
        <div class="stack">
          {transactions.map((transaction) => (
            <TransactionCard key={`${transaction.id}/${transaction.at}`} transaction={transaction} />
          ))}
        </div>
        {isOne && (
          <aside class="card body one-context">
            <ContextList
              context={Object.fromEntries(
                Object.entries(transactions[0]!.context).filter(([name]) => name !== "SQL"),
              )}
            />
          </aside>
        )}
      </div>
    </>
  );
}

export function Figure({
  name,
  value,
  title,
  isText = false,
}: {
  name: string;
  value: string;
  title?: string;
  isText?: boolean;
}) {
  return (
    <div class="figure card" title={title}>
      <p class="label">{name}</p>
      <p class={isText ? "figure-text" : "number"}>{value}</p>
    </div>
  );
}

function TransactionCard({ transaction }: { transaction: Transaction }) {
  const [open, setOpen] = useState<string | null>(null);
  const id = transaction.changes[0]!.transaction_id;
  return (
    <section class="card transaction" aria-label={`Transaction ${plain(id)}`}>
      <header>
        <h2 class="number">{shortTime(transaction.at)}</h2>
        <a
          class="muted plain-link number"
          href={link("/activity/one", {
            by: "transaction",
            value: plain(id),
            source: transaction.changes[0]!.source,
          })}
        >
          transaction {plain(id)}
        </a>
        {(sources.value?.length ?? 0) > 1 && <span class="badge none">{transaction.changes[0]!.source}</span>}
        <span class="spacer" />
        <Person context={transaction.context} />
        <span class="muted ellipsis">{placeOf(transaction.context)}</span>
      </header>
      {transaction.changes.map((change) => (
        <div key={change.id} class={`change ${open === change.id ? "is-open" : ""}`}>
          <ChangeLine
            change={change}
            isOpen={open === change.id}
            onToggle={() => setOpen(open === change.id ? null : change.id)}
          />
          {open === change.id && <ChangeDetail change={change} />}
        </div>
      ))}
    </section>
  );
}
