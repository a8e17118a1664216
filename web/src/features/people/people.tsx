// SPDX-License-Identifier: LGPL-3.0-or-later
// Users of the dashboard, with their roles.
import { useState } from "preact/hooks";
import { type Body, get, post, remove, type User } from "../../api.ts";
import { Field } from "../../components/field.tsx";
import { Icon } from "../../components/icons.tsx";
import { RemoveButton } from "../../components/remove_button.tsx";
import { Select } from "../../components/select.tsx";
import { Empty, Failed, FailedNotice, Skeleton } from "../../components/states.tsx";
import { useAction } from "../../components/use_action.ts";
import { useLoad } from "../../components/use_load.ts";
import { session } from "../../state.ts";
import { shortTime } from "../../time.ts";

type NewUser = Body<"/api/users">;

const ROLES: [User["role"], string][] = [
  ["viewer", "can view everything"],
  ["operator", "can also undo changes and set marks"],
  ["admin", "can also change settings"],
];

export function People() {
  const [version, setVersion] = useState(0);
  const { value, error, retry } = useLoad(`users ${version}`, (signal) => get("/api/users", {}, signal));
  const { failed, isBusy, run } = useAction(() => setVersion((number) => number + 1));
  return (
    <div class="stack">
      {failed !== undefined && <FailedNotice error={failed} />}
      <NewPerson isBusy={isBusy} onCreate={(user) => run(() => post("/api/users", user))} />
      {error !== undefined ? (
        <Failed error={error} retry={retry} />
      ) : !value ? (
        <Skeleton lines={4} height={26} />
      ) : value.users.length === 0 ? (
        <Empty icon="user" title="No users yet">
          <p>
            Everyone with the access token is an admin. Add users, so that the audit log shows who did what.
          </p>
        </Empty>
      ) : (
        <section class="card" aria-label="Users">
          {value.users.map((user) => (
            <PersonLine
              key={user.name}
              user={user}
              isBusy={isBusy}
              onRole={(role) => void run(() => post("/api/users", { name: user.name, role }))}
              onRemove={() => void run(() => remove("/api/users/{name}", { name: user.name }))}
            />
          ))}
        </section>
      )}
    </div>
  );
}

function PersonLine(props: {
  user: User;
  isBusy: boolean;
  onRole: (role: User["role"]) => void;
  onRemove: () => void;
}) {
  const { user, isBusy } = props;
  return (
    <div class="mark-line">
      <Icon name="user" size={15} />
      <span class="mark-name">
        <strong class="ellipsis">{user.name}</strong>
        <span class="muted">
          {user.has_password ? "password" : "single sign-on"}, since {shortTime(user.created_at)}
        </span>
      </span>
      <span class="spacer" />
      <Select
        label={`Role of ${user.name}`}
        value={user.role}
        options={ROLES.map(([role]) => [role, role] as const)}
        disabled={isBusy}
        onChange={props.onRole}
      />
      <RemoveButton
        name={user.name}
        disabled={isBusy || user.name === session.value?.name}
        onRemove={props.onRemove}
      />
    </div>
  );
}

function NewPerson({ isBusy, onCreate }: { isBusy: boolean; onCreate: (user: NewUser) => Promise<boolean> }) {
  return (
    <form
      class="card confirm"
      aria-label="New user"
      onSubmit={(event) => {
        event.preventDefault();
        const form = event.currentTarget;
        const filled = [...new FormData(form)].filter(([, text]) => text !== "");
        void onCreate(Object.fromEntries(filled) as unknown as NewUser).then(
          (isDone) => isDone && form.reset(),
        );
      }}
    >
      <div class="row wrap confirm-fields">
        <Field label="Name" name="name" required maxLength={200} />
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
        <Field
          label="Password"
          placeholder="10+ characters, or empty for single sign-on"
          grows
          type="password"
          name="password"
          minLength={10}
          autocomplete="new-password"
        />
        <button type="submit" class="button primary" disabled={isBusy}>
          Add user
        </button>
      </div>
    </form>
  );
}
