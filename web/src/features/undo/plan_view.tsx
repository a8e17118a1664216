// SPDX-License-Identifier: LGPL-3.0-or-later
// The plan of an undo: its effect, its conflicts, and the policy for them.
import type { Plan, Policy } from "../../api.ts";
import { Choice, type Option } from "../../components/choice.tsx";
import { Figure } from "../../components/figure.tsx";
import { Icon } from "../../components/icons.tsx";
import { Notice } from "../../components/states.tsx";
import { count } from "../../time.ts";
import { Confirm } from "./confirm.tsx";
import { Conflicts } from "./conflicts.tsx";
import { rowsOf } from "./plan.ts";
import { TablePlans } from "./table_plans.tsx";

/** How an undo treats conflicts and dependent changes. */
export interface Ways {
  policy: Policy;
  cascade: boolean;
}

const POLICIES: Option<Policy>[] = [
  { value: "fail", name: "Stop", title: "Undo all rows or none" },
  { value: "skip", name: "Skip those rows", title: "Rows with conflicts stay as they are" },
  { value: "force", name: "Overwrite", title: "The old values replace what others wrote later" },
];

export function PlanView(props: {
  plan: Plan;
  ways: Ways;
  isBusy: boolean;
  onAsk: (ways: Ways) => void;
  onApply: (reason: string) => void;
  onBack: () => void;
}) {
  const { plan, ways } = props;
  const all = rowsOf(plan);
  const hasConflicts = plan.conflict_count > 0;
  return (
    <>
      <WaysForm ways={ways} isBusy={props.isBusy} onAsk={props.onAsk} onBack={props.onBack} />
      <div class={`stack ${props.isBusy ? "is-stale" : ""}`}>
        <Figures plan={plan} />
        {plan.warnings.map((warning) => (
          <Notice key={warning}>{warning}</Notice>
        ))}
        <TablePlans plan={plan} />
        {hasConflicts && <Conflicts plan={plan} policy={ways.policy} />}
        {plan.applicable && all > 0 ? (
          <Confirm plan={plan} all={all} isBusy={props.isBusy} onApply={props.onApply} />
        ) : hasConflicts ? (
          <Notice kind="error">
            Conflicts prevent this undo. Choose “Skip those rows” or “Overwrite” above to go on.
          </Notice>
        ) : (
          <Notice kind="info">Nothing to undo: the rows already have their old values.</Notice>
        )}
      </div>
    </>
  );
}

function WaysForm(props: { ways: Ways; isBusy: boolean; onAsk: (ways: Ways) => void; onBack: () => void }) {
  const { ways, isBusy, onAsk } = props;
  return (
    <div class="row wrap">
      <button type="button" class="button quiet small" onClick={props.onBack}>
        <Icon name="left" size={14} /> Back to the selection
      </button>
      <span class="spacer" />
      <span class="muted">If there are conflicts</span>
      <Choice
        label="If there are conflicts"
        options={POLICIES}
        value={ways.policy}
        disabled={isBusy}
        onChange={(policy) => onAsk({ ...ways, policy })}
      />
      <label class="row">
        <input
          type="checkbox"
          checked={ways.cascade}
          disabled={isBusy}
          onChange={(event) => onAsk({ ...ways, cascade: event.currentTarget.checked })}
        />
        Include later changes that depend on these
      </label>
    </div>
  );
}

function Figures({ plan }: { plan: Plan }) {
  const sum = (name: "inserts" | "updates" | "deletes") =>
    count(plan.tables.reduce((total, table) => total + table[name], 0));
  return (
    <div class="figures">
      <Figure name="Selected changes" value={count(plan.changes)} />
      <Figure name="Rows restored" value={sum("inserts")} />
      <Figure name="Rows reverted" value={sum("updates")} />
      <Figure name="Rows removed" value={sum("deletes")} />
      <Figure name="Conflicts" value={count(plan.conflict_count)} />
    </div>
  );
}
