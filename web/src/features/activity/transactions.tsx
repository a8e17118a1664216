// SPDX-License-Identifier: LGPL-3.0-or-later
// Changes by transaction.

import type { Change } from "../../api.ts";
import { plain, type Row } from "../../json.ts";
import { link } from "../../router.ts";
import { sources } from "../../state.ts";
import { shortTime } from "../../time.ts";
import { ChangeLines } from "../change/change_line.tsx";
import { Person } from "../change/person.tsx";
import { placeOf } from "../change/who.ts";

interface Transaction {
  source: string;
  id: string;
  at: string;
  context: Row;
  changes: Change[];
}

/** Changes by transaction, in commit order. */
export function transactionsOf(changes: Change[]): Transaction[] {
  const found: Transaction[] = [];
  for (const change of [...changes].reverse()) {
    const { source, effective_at: at, context } = change;
    const id = plain(change.transaction_id);
    let last = found.at(-1);
    if (last?.id !== id || last.source !== source) {
      last = { source, id, at, context, changes: [] };
      found.push(last);
    }
    last.changes.push(change);
  }
  return found;
}

export function TransactionCard({ transaction }: { transaction: Transaction }) {
  const { changes, id, source } = transaction;
  return (
    <section class="card transaction" aria-label={`Transaction ${id}`}>
      <header>
        <h2 class="number">{shortTime(transaction.at)}</h2>
        <a
          class="muted plain-link number"
          href={link("/activity/one", { by: "transaction", value: id, source })}
        >
          transaction {id}
        </a>
        {(sources.value?.length ?? 0) > 1 && <span class="badge none">{source}</span>}
        <span class="spacer" />
        <Person context={transaction.context} />
        <span class="muted ellipsis">{placeOf(transaction.context)}</span>
      </header>
      <ChangeLines changes={changes} />
    </section>
  );
}
