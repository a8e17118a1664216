// SPDX-License-Identifier: LGPL-3.0-or-later
import { useState } from "preact/hooks";
import { Problem, type Session, signIn } from "./api.ts";
import { Notice } from "./parts/basics.tsx";

export function SignIn({ onDone }: { onDone: (session: Session) => void }) {
  const [error, setError] = useState<unknown>();
  const [isBusy, setBusy] = useState(false);
  const [byName, setByName] = useState(localStorage.getItem("sign-in") === "name");
  const submit = async (event: SubmitEvent) => {
    event.preventDefault();
    const given = new FormData(event.currentTarget as HTMLFormElement);
    const text = (name: string) => String(given.get(name) ?? "");
    setBusy(true);
    try {
      onDone(
        await signIn(
          byName
            ? { name: text("name").trim(), password: text("password") }
            : { token: text("token").trim() },
        ),
      );
    } catch (failed) {
      setError(failed);
      setBusy(false);
    }
  };
  const choose = (isName: boolean) => {
    setByName(isName);
    setError(undefined);
    localStorage.setItem("sign-in", isName ? "name" : "token");
  };
  return (
    <main class="sign-in">
      <form class="card" onSubmit={submit}>
        <div class="brand">
          <img src="/icon.svg" alt="" />
          Bemi
        </div>
        <p class="muted">Every change of your database, and who made it.</p>
        <div class="segmented" role="group" aria-label="Sign in by">
          <button type="button" aria-pressed={!byName} onClick={() => choose(false)}>
            With the token
          </button>
          <button type="button" aria-pressed={byName} onClick={() => choose(true)}>
            With a name
          </button>
        </div>
        {byName ? (
          <>
            <label>
              Name
              <input class="input" name="name" autocomplete="username" required autofocus key="name" />
            </label>
            <label>
              Password
              <input
                class="input"
                type="password"
                name="password"
                autocomplete="current-password"
                required
                key="password"
              />
            </label>
          </>
        ) : (
          <label>
            Access token
            <input
              class="input mono"
              type="password"
              name="token"
              autocomplete="off"
              required
              autofocus
              key="token"
            />
          </label>
        )}
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
          {byName ? (
            "An admin adds people under Settings."
          ) : (
            <>
              Bemi printed it at its first start. Lost? <code>bemi serve --new-token</code> makes another.
            </>
          )}
        </p>
      </form>
    </main>
  );
}
