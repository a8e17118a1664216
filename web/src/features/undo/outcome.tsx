// SPDX-License-Identifier: LGPL-3.0-or-later
// The outcome of an undo or a rollback.

import type { Outcome } from "../../api.ts";
import { Icon } from "../../components/icons.tsx";
import { Empty, Notice } from "../../components/states.tsx";
import { plain } from "../../json.ts";
import { link } from "../../router.ts";
import { emptyFilter, writeFilter } from "../filter/filter.ts";
import { rows, rowsOf } from "./plan.ts";
import { TablePlans } from "./table_plans.tsx";

export function Done({ outcome }: { outcome: Outcome }) {
  const { plan, transaction_id } = outcome;
  if (transaction_id === null) {
    return (
      <Empty icon="check" title="Nothing to undo">
        <p>The rows already have their old values.</p>
      </Empty>
    );
  }
  const id = plain(transaction_id);
  return (
    <div class="stack">
      <Notice kind="good">
        <strong>Done.</strong> Transaction {id} gave {rows(rowsOf(plan))} back their old values.
        {plan.conflict_count > 0 && ` ${rows(plan.conflict_count)} skipped because of conflicts.`}
      </Notice>
      <TablePlans plan={plan} isDone />
      <div class="row wrap">
        <a class="button" href={link("/activity/one", { by: "transaction", value: id, source: plan.source })}>
          <Icon name="activity" size={14} /> Show this transaction
        </a>
        <a
          class="button"
          href={link("/undo", {
            filter: writeFilter({ ...emptyFilter(), transaction: id, source: plan.source }),
          })}
        >
          <Icon name="undo" size={14} /> Undo this transaction…
        </a>
        <a class="button quiet" href="/changes">
          Back to changes
        </a>
      </div>
    </div>
  );
}
