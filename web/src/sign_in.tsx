// SPDX-License-Identifier: LGPL-3.0-or-later
import { useState } from "preact/hooks";
import { Problem, signIn, type Session } from "./api.ts";
import { Notice } from "./parts/basics.tsx";

export function SignIn({ onDone }: { onDone: (session: Session) => void }) {
  const [error, setError] = useState<unknown>();
  const [isBusy, setBusy] = useState(false);
  const submit = async (event: SubmitEvent) => {
    event.preventDefault();
    const token = String(new FormData(event.currentTarget as HTMLFormElement).get("token") ?? "").trim();
    setBusy(true);
    try {
      onDone(await signIn(token));
    } catch (failed) {
      setError(failed);
      setBusy(false);
    }
  };
  return (
    <main class="sign-in">
      <form class="card" onSubmit={submit}>
        <div class="brand">
          <img src="/icon.svg" alt="" />
          Bemi
        </div>
        <p class="muted">Every change of your database, and who made it.</p>
        <label>
          Access token
          <input class="input mono" type="password" name="token" autocomplete="current-password" required autofocus />
        </label>
        {error !== undefined && (
          <Notice kind="error">
            {error instanceof Error ? error.message : String(error)}
            {error instanceof Problem && error.hint !== "" && <p class="hint">{error.hint}</p>}
          </Notice>
        )}
        <button type="submit" class="button primary" disabled={isBusy}>
          {isBusy ? "Signing in…" : "Sign in"}
        </button>
        <p class="muted">
          Bemi printed it at its first start. Lost? <code>bemi serve --new-token</code> makes another.
        </p>
      </form>
    </main>
  );
}
