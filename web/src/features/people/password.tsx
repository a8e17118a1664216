// SPDX-License-Identifier: LGPL-3.0-or-later
// The form that changes one's own password.
import { useState } from "preact/hooks";
import { post } from "../../api.ts";
import { Field } from "../../components/field.tsx";
import { FailedNotice, Notice } from "../../components/states.tsx";
import { useAction } from "../../components/use_action.ts";
import { session } from "../../state.ts";

export function Password() {
  const [isDone, setDone] = useState(false);
  const [isSame, setSame] = useState(true);
  const { failed, isBusy, run } = useAction(() => setDone(true));
  const onSubmit = (event: SubmitEvent) => {
    event.preventDefault();
    const form = event.currentTarget as HTMLFormElement;
    const text = (name: string) => String(new FormData(form).get(name) ?? "");
    const body = { old_password: text("old_password"), new_password: text("new_password") };
    const isTypedTwice = body.new_password === text("again");
    setDone(false);
    setSame(isTypedTwice);
    if (!isTypedTwice) return;
    void run(() => post("/api/session/password", body)).then((isGood) => isGood && form.reset());
  };
  return (
    <form class="card confirm" aria-label="Password" onSubmit={onSubmit}>
      <div class="row wrap confirm-fields">
        <input type="hidden" name="username" autocomplete="username" value={session.value?.name} />
        <PasswordField label="Current password" name="old_password" autocomplete="current-password" />
        <PasswordField
          label="New password (10+ characters)"
          name="new_password"
          minLength={10}
          autocomplete="new-password"
        />
        <PasswordField label="Repeat the new password" name="again" autocomplete="new-password" />
        <button type="submit" class="button primary" disabled={isBusy}>
          Change password
        </button>
      </div>
      {!isSame && <Notice kind="error">The new passwords do not match.</Notice>}
      {failed !== undefined && <FailedNotice error={failed} />}
      {isDone && <Notice kind="good">Password changed. All your other sessions are signed out.</Notice>}
    </form>
  );
}

function PasswordField(props: { label: string; name: string; autocomplete: string; minLength?: number }) {
  return <Field type="password" required maxLength={1024} {...props} />;
}
