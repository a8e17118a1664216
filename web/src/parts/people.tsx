// SPDX-License-Identifier: LGPL-3.0-or-later
// People: who may sign in by name, and as what.
import { useState } from "preact/hooks";
import { get, post, remove, type User } from "../api.ts";
import { Icon } from "../icons.tsx";
import { session } from "../state.ts";
import { shortTime } from "../time.ts";
import { Empty, Failed, Notice, Skeleton, useAction, useLoad } from "./basics.tsx";

const ROLES: [User["role"], string][] = [
  ["viewer", "looks at everything"],
  ["operator", "also undoes changes and sets marks"],
  ["admin", "also changes settings"],
];

export function People() {
  const [version, setVersion] = useState(0);
  const { value, error, retry } = useLoad(`people ${version}`, (signal) =>
    get<{ users: User[] }>("/api/users", {}, signal),
  );
  const [chosen, setChosen] = useState("");
  const { failed, isBusy, run } = useAction(() => {
    setChosen("");
    setVersion((number) => number + 1);
  });
  return (
    <div class="stack">
      {failed !== undefined && (
        <Notice kind="error">{failed instanceof Error ? failed.message : String(failed)}</Notice>
      )}
      <NewPerson isBusy={isBusy} onCreate={(body) => run(() => post("/api/users", body))} />
      {error !== undefined ? (
        <Failed error={error} retry={retry} />
      ) : !value ? (
        <Skeleton lines={4} height={26} />
      ) : value.users.length === 0 ? (
        <Empty icon="user" title="Nobody signs in by name yet">
          <p>
            Whoever has the token is an admin. Give each person a name and a role, so that what is done here
            says who did it.
          </p>
        </Empty>
      ) : (
        <section class="card" aria-label="People">
          {value.users.map((user) => (
            <div class="mark-line" key={user.name}>
              <Icon name="user" size={15} />
              <span class="mark-name">
                <strong class="ellipsis">{user.name}</strong>
                <span class="muted">
                  {user.has_password ? "password" : "by the proxy"}, since {shortTime(user.created_at)}
                </span>
              </span>
              <span class="spacer" />
              <select
                class="input"
                aria-label={`Role of ${user.name}`}
                value={user.role}
                disabled={isBusy}
                onChange={(event) =>
                  void run(() => post("/api/users", { name: user.name, role: event.currentTarget.value }))
                }
              >
                {ROLES.map(([role]) => (
                  <option key={role}>{role}</option>
                ))}
              </select>
              {chosen === user.name ? (
                <button
                  type="button"
                  class="button danger small"
                  disabled={isBusy}
                  onClick={() => void run(() => remove(`/api/users/${encodeURIComponent(user.name)}`))}
                >
                  Remove {user.name}
                </button>
              ) : (
                <button
                  type="button"
                  class="button quiet small"
                  disabled={isBusy || user.name === session.value?.name}
                  onClick={() => setChosen(user.name)}
                >
                  Remove…
                </button>
              )}
            </div>
          ))}
        </section>
      )}
    </div>
  );
}

function NewPerson({ isBusy, onCreate }: { isBusy: boolean; onCreate: (body: object) => Promise<boolean> }) {
  return (
    <form
      class="card confirm"
      onSubmit={(event) => {
        event.preventDefault();
        const form = event.currentTarget;
        const body = Object.fromEntries([...new FormData(form)].filter(([, text]) => text !== ""));
        void onCreate(body).then((isDone) => isDone && form.reset());
      }}
    >
      <div class="row wrap confirm-fields">
        <label>
          <span>Name</span>
          <input class="input" name="name" required maxLength={200} autocomplete="off" />
        </label>
        <label>
          <span>Role</span>
          <select class="input" name="role">
            {ROLES.map(([role, what]) => (
              <option key={role} value={role}>
                {role}: {what}
              </option>
            ))}
          </select>
        </label>
        <label class="reason">
          <span>Password, of ten characters or more; none when a proxy signs in</span>
          <input class="input" type="password" name="password" minLength={10} autocomplete="new-password" />
        </label>
        <button type="submit" class="button primary" disabled={isBusy}>
          Add
        </button>
      </div>
    </form>
  );
}
