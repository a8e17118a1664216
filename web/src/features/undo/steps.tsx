// SPDX-License-Identifier: LGPL-3.0-or-later
// The steps of an undo: selection, plan, outcome.
import { useState } from "preact/hooks";
import { type Outcome, type Plan, post } from "../../api.ts";
import { Failed } from "../../components/states.tsx";
import { useAction } from "../../components/use_action.ts";
import { session } from "../../state.ts";
import { filterBody } from "../filter/filter.ts";
import type { Selection } from "../filter/selection.ts";
import { Done } from "./outcome.tsx";
import { PlanView, type Ways } from "./plan_view.tsx";
import { Selected } from "./selected.tsx";

export function Steps({ parameters }: { parameters: Selection }) {
  const [ways, setWays] = useState<Ways>({ policy: "fail", cascade: false });
  const [plan, setPlan] = useState<Plan | null>(null);
  const [done, setDone] = useState<Outcome | null>(null);
  const { failed, isBusy, run } = useAction(() => {});
  const body = ({ policy, cascade }: Ways) => ({
    filter: filterBody(parameters),
    on_conflict: policy,
    cascade,
  });
  const ask = (next: Ways) => {
    setWays(next);
    void run(async () => setPlan(await post("/api/revert/plan", body(next))));
  };
  const apply = ({ digest }: Plan, reason: string) =>
    void run(async () => setDone(await post("/api/revert", { ...body(ways), digest, reason })));
  if (done) return <Done outcome={done} />;
  return (
    <div class="stack">
      {failed !== undefined && (
        <div class="card">
          <Failed error={failed} retry={() => ask(ways)} />
        </div>
      )}
      {plan === null ? (
        <Selecting parameters={parameters} isBusy={isBusy} onAsk={() => ask(ways)} />
      ) : (
        <PlanView
          plan={plan}
          ways={ways}
          isBusy={isBusy}
          onAsk={ask}
          onApply={(reason) => apply(plan, reason)}
          onBack={() => setPlan(null)}
        />
      )}
    </div>
  );
}

function Selecting({
  parameters,
  isBusy,
  onAsk,
}: {
  parameters: Selection;
  isBusy: boolean;
  onAsk: () => void;
}) {
  const mayUndo = session.value?.role !== "viewer";
  return (
    <>
      <div class="row wrap next-step">
        <button type="button" class="button primary" disabled={isBusy || !mayUndo} onClick={onAsk}>
          {isBusy ? "Checking…" : "Preview undo"}
        </button>
        <span class="muted">
          {mayUndo
            ? "The preview shows every effect. Nothing changes until you confirm."
            : "You have read-only access. Undo needs the operator role."}
        </span>
      </div>
      <Selected parameters={parameters} />
    </>
  );
}
