// SPDX-License-Identifier: LGPL-3.0-or-later
// Everything that one user, request or transaction did.

import { type Change, get } from "../../api.ts";
import { Figure } from "../../components/figure.tsx";
import { Icon } from "../../components/icons.tsx";
import { RangePicker } from "../../components/range_picker.tsx";
import { Empty, Failed, Notice, Skeleton } from "../../components/states.tsx";
import { useLoad } from "../../components/use_load.ts";
import { link, query } from "../../router.ts";
import { count, exactTime, shortTime, span } from "../../time.ts";
import { ContextList } from "../change/context_list.tsx";
import { emptyFilter, type Filter, shortTableName, writeFilter } from "../filter/filter.ts";
import { selectionOf } from "../filter/selection.ts";
import { TransactionCard, transactionsOf } from "./transactions.tsx";

const MOST_CHANGES = 500;

function filterOf(by: string, value: string, source: string | null): Filter {
  const filter = emptyFilter();
  if (by === "transaction") filter.transaction = value;
  else if (by === "table") filter.table = value;
  else if (by === "operation") filter.operation = value;
  else filter.context.push([by, value]);
  if (source) filter.source = source;
  return filter;
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
  const range = query.value.get("range") ?? undefined;
  const filter = filterOf(by, value, query.value.get("source"));
  const parameters = selectionOf(filter, range ?? null);
  const found = useLoad(JSON.stringify(parameters), (signal) =>
    get("/api/changes", [...parameters, ["limit", String(MOST_CHANGES)]], signal),
  );
  const words = writeFilter(filter);
  return (
    <>
      <header class="page-head">
        <a class="button quiet icon small" href={link("/activity", { by })} aria-label="Back to activity">
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
        {MANY.includes(by) && <RangePicker />}
        <a class="button small" href={link("/changes", { filter: words, range })}>
          <Icon name="changes" size={14} /> Show in changes
        </a>
        <a class="button small" href={link("/undo", { filter: words, range })}>
          <Icon name="undo" size={14} /> Undo these…
        </a>
      </header>
      {found.error !== undefined ? (
        <Failed error={found.error} retry={found.retry} />
      ) : !found.value ? (
        <Skeleton lines={10} height={26} />
      ) : (
        <Deeds by={by} changes={found.value.changes} isCut={found.value.next !== null} />
      )}
    </>
  );
}

/** These have many transactions, of which the newest come first; the others have few, in their order. */
const MANY = ["user_id", "endpoint", "table", "operation"];

function Deeds({ by, changes, isCut }: { by: string; changes: Change[]; isCut: boolean }) {
  const transactions = transactionsOf(changes);
  const [first] = transactions;
  if (first === undefined) {
    return (
      <Empty icon="activity" title="No changes">
        <p>It made no changes in this period.</p>
      </Empty>
    );
  }
  const isOne = !MANY.includes(by);
  const { SQL: _sql, ...context } = first.context;
  return (
    <>
      {isCut && (
        <Notice kind="info">
          These are the latest {count(changes.length)} changes. Choose a period to see others.
        </Notice>
      )}
      <Figures changes={changes} transactions={transactions.length} isCut={isCut} />
      <div class={isOne ? "one-grid" : ""}>
        <div class="stack">
          {(isOne ? transactions : transactions.reverse()).map((transaction) => (
            <TransactionCard key={`${transaction.id}/${transaction.at}`} transaction={transaction} />
          ))}
        </div>
        {isOne && (
          <aside class="card body one-context">
            <ContextList context={context} />
          </aside>
        )}
      </div>
    </>
  );
}

function Figures({
  changes,
  transactions,
  isCut,
}: {
  changes: Change[];
  transactions: number;
  isCut: boolean;
}) {
  const counts = new Map<string, number>();
  for (const change of changes) {
    const name = shortTableName(change.schema, change.table);
    counts.set(name, (counts.get(name) ?? 0) + 1);
  }
  const times = changes.map(({ effective_at }) => effective_at);
  const first = times.at(-1) ?? "";
  const last = times[0] ?? "";
  const seconds = (Date.parse(last) - Date.parse(first)) / 1000;
  const more = isCut ? "+" : "";
  return (
    <div class="figures">
      <Figure name="Changes" value={count(changes.length) + more} />
      <Figure name="Transactions" value={count(transactions) + more} />
      <Figure
        name="Tables"
        value={[...counts].map(([name, number]) => `${name} ${count(number)}`).join(", ")}
        isText
      />
      <Figure
        name={seconds > 1 ? "Duration" : "Time"}
        value={seconds > 1 ? span(seconds) : shortTime(first)}
        title={`${exactTime(first)}\n…\n${exactTime(last)}`}
      />
    </div>
  );
}
