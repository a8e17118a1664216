// SPDX-License-Identifier: LGPL-3.0-or-later
// Password: one's own, changed by whoever knows the old one.
import { useState } from "preact/hooks";
import { post } from "../api.ts";
import { session } from "../state.ts";
import { FailedNotice, Notice, useAction } from "./basics.tsx";

export function Password() {
  const [isDone, setDone] = useState(false);
  const [isTyped, setTyped] = useState(true);
  const { failed, isBusy, run } = useAction(() => setDone(true));
  return (
    <form
      class="card confirm"
      aria-label="Your password"
      onSubmit={(event) => {
        event.preventDefault();
        const form = event.currentTarget;
        const { old_password, new_password, again } = Object.fromEntries(new FormData(form)) as Record<
          string,
          string
        >;
        setDone(false);
        setTyped(new_password === again);
        if (new_password !== again) return;
        void run(() => post("/api/session/password", { old_password, new_password })).then(
          (isGood) => isGood && form.reset(),
        );
      }}
    >
      <div class="row wrap confirm-fields">
        <input type="hidden" name="username" autocomplete="username" value={session.value?.name} />
        <label>
          <span>Old password</span>
          <input
            class="input"
            type="password"
            name="old_password"
            required
            maxLength={1024}
            autocomplete="current-password"
          />
        </label>
        <label>
          <span>New password, of ten characters or more</span>
          <input
            class="input"
            type="password"
            name="new_password"
            required
            minLength={10}
            maxLength={1024}
            autocomplete="new-password"
          />
        </label>
        <label>
          <span>New password again</span>
          <input
            class="input"
            type="password"
            name="again"
            required
            maxLength={1024}
            autocomplete="new-password"
          />
        </label>
        <button type="submit" class="button primary" disabled={isBusy}>
          Change password
        </button>
      </div>
      {!isTyped && <Notice kind="error">The new password was typed in two ways.</Notice>}
      {failed !== undefined && <FailedNotice error={failed} />}
      {isDone && (
        <Notice kind="good">Your password is another one now. You are signed out everywhere else.</Notice>
      )}
    </form>
  );
}
