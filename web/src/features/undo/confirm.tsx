// SPDX-License-Identifier: LGPL-3.0-or-later
// The confirmation of an undo, typed by hand.

import { useState } from "preact/hooks";
import type { Plan } from "../../api.ts";
import { Field } from "../../components/field.tsx";
import { rows } from "./plan.ts";

interface Props {
  plan: Plan;
  all: number;
  isBusy: boolean;
  onApply: (reason: string) => void;
}

export function Confirm({ plan, all, isBusy, onApply }: Props) {
  const [typed, setTyped] = useState("");
  const [reason, setReason] = useState("");
  const phrase = `undo ${all} ${all === 1 ? "row" : "rows"}`;
  const canApply = typed.trim() === phrase && !isBusy;
  const onSubmit = (event: SubmitEvent) => {
    event.preventDefault();
    if (canApply) onApply(reason);
  };
  return (
    <form class="card confirm" aria-label="Confirm" onSubmit={onSubmit}>
      <h2>
        Undo in <span class="mono">{plan.source}</span>
      </h2>
      <p class="muted">
        {rows(all)} in one transaction. Bemi records it like any other, so you can undo it as well.
      </p>
      <div class="row wrap confirm-fields">
        <Field
          label={`Type “${phrase}”`}
          class="mono"
          name="confirmation"
          value={typed}
          spellcheck={false}
          onInput={(event) => setTyped(event.currentTarget.value)}
        />
        <Field
          label="Reason (stored in the history)"
          grows
          name="reason"
          value={reason}
          onInput={(event) => setReason(event.currentTarget.value)}
        />
        <button type="submit" class="button danger" disabled={!canApply}>
          {isBusy ? "Undoing…" : "Undo"}
        </button>
      </div>
    </form>
  );
}
