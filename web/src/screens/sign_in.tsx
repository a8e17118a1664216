// SPDX-License-Identifier: LGPL-3.0-or-later
// The sign-in form: an access token, or a name and a password.

import { useState } from "preact/hooks";
import { type Session, signIn } from "../api.ts";
import { Choice, type Option } from "../components/choice.tsx";
import { Field } from "../components/field.tsx";
import { FailedNotice } from "../components/states.tsx";
import { useAction } from "../components/use_action.ts";

type Way = "token" | "name";
const WAYS: Option<Way>[] = [
  { value: "token", name: "Access token" },
  { value: "name", name: "Username" },
];

export function SignIn({ onDone }: { onDone: (session: Session) => void }) {
  const [way, setWay] = useState<Way>(localStorage.getItem("sign-in") === "name" ? "name" : "token");
  const { failed, isBusy, run, forget } = useAction(() => {});
  const submit = (event: SubmitEvent) => {
    event.preventDefault();
    const given = new FormData(event.currentTarget as HTMLFormElement);
    const text = (name: string) => String(given.get(name) ?? "");
    const secret =
      way === "name"
        ? { name: text("name").trim(), password: text("password") }
        : { token: text("token").trim() };
    void run(async () => onDone(await signIn(secret)));
  };
  const choose = (next: Way) => {
    setWay(next);
    forget();
    localStorage.setItem("sign-in", next);
  };
  return (
    <main class="sign-in">
      <form class="card" onSubmit={submit}>
        <h1 class="brand">
          <img src="/icon.svg" alt="" />
          Bemi
        </h1>
        <p class="muted">Every change of your database, and who made it.</p>
        <Choice label="Sign in with" options={WAYS} value={way} onChange={choose} />
        {way === "name" ? <NameFields /> : <TokenField />}
        {failed !== undefined && <FailedNotice error={failed} />}
        <button type="submit" class="button primary" disabled={isBusy}>
          {isBusy ? "Signing in…" : "Sign in"}
        </button>
        <p class="muted">
          {way === "name" ? (
            "An admin adds users under Settings."
          ) : (
            <>
              Bemi prints the token when it first starts. Lost it? <code>bemi serve --new-token</code> prints
              a new one.
            </>
          )}
        </p>
      </form>
    </main>
  );
}

function NameFields() {
  return (
    <>
      <Field label="Username" name="name" autocomplete="username" required autofocus />
      <Field label="Password" name="password" type="password" autocomplete="current-password" required />
    </>
  );
}

function TokenField() {
  return <Field label="Access token" class="mono" type="password" name="token" required autofocus />;
}
