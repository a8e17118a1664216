// SPDX-License-Identifier: LGPL-3.0-or-later
// The forms for a new mark and for a rollback.

import { useState } from "preact/hooks";
import type { Mark } from "../../api.ts";
import { plural } from "../../time.ts";

export function NewMark({
  isBusy,
  onCreate,
}: {
  isBusy: boolean;
  onCreate: (name: string, comment: string) => void;
}) {
  return (
    <form
      class="card confirm"
      aria-label="New mark"
      onSubmit={(event) => {
        event.preventDefault();
        const data = new FormData(event.currentTarget);
        onCreate(String(data.get("name") ?? "").trim(), String(data.get("comment") ?? "").trim());
        event.currentTarget.reset();
      }}
    >
      <div class="row wrap confirm-fields">
        <label>
          <span>Name</span>
          <input class="input" name="name" required autocomplete="off" placeholder="before-import" />
        </label>
        <label class="grows">
          <span>Comment</span>
          <input class="input" name="comment" autocomplete="off" />
        </label>
        <button type="submit" class="button primary" disabled={isBusy}>
          Create mark
        </button>
      </div>
    </form>
  );
}

export function ConfirmBack({
  mark,
  isBusy,
  onCancel,
  onApply,
}: {
  mark: Mark;
  isBusy: boolean;
  onCancel: () => void;
  onApply: () => void;
}) {
  const [typed, setTyped] = useState("");
  return (
    <form
      class="mark-confirm"
      onSubmit={(event) => {
        event.preventDefault();
        if (typed === mark.name) onApply();
      }}
    >
      <label class="row">
        <span>
          This takes all tables back to <strong>{mark.name}</strong> and undoes{" "}
          {plural(Number(mark.changes_since), "change")}. Type the name of the mark
        </span>
        <input
          class="input mono"
          value={typed}
          onInput={(event) => setTyped(event.currentTarget.value)}
          autocomplete="off"
          autofocus
        />
      </label>
      <button type="submit" class="button danger small" disabled={typed !== mark.name || isBusy}>
        {isBusy ? "Rolling back…" : "Roll back"}
      </button>
      <button type="button" class="button quiet small" onClick={onCancel}>
        Cancel
      </button>
    </form>
  );
}
