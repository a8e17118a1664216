// SPDX-License-Identifier: LGPL-3.0-or-later
// Settings: people, webhooks, the audit log, one's own password.

import type { ComponentType } from "preact";
import { remove } from "../api.ts";
import { Choice, type Option } from "../components/choice.tsx";
import { AuditLog } from "../features/audit_log/audit_log.tsx";
import { Password } from "../features/people/password.tsx";
import { People } from "../features/people/people.tsx";
import { Webhooks } from "../features/webhooks/webhooks.tsx";
import { adjust, query } from "../router.ts";
import { session } from "../state.ts";

const RANKS = { viewer: 0, operator: 1, admin: 2 };
type View = "people" | "webhooks" | "log" | "password";
const VIEWS: (Option<View> & { role: keyof typeof RANKS; screen: ComponentType })[] = [
  { value: "people", name: "Users", role: "admin", screen: People },
  { value: "webhooks", name: "Webhooks", role: "admin", screen: Webhooks },
  { value: "log", name: "Audit log", role: "operator", screen: AuditLog },
  { value: "password", name: "Password", role: "viewer", screen: Password },
];

export function Settings() {
  const { name, role } = session.value ?? { name: "", role: "viewer" as const };
  const views = VIEWS.filter((view) => RANKS[role] >= RANKS[view.role]);
  const asked = query.value.get("view");
  const view = views.find(({ value }) => value === asked) ?? views[0];
  return (
    <>
      <header class="page-head">
        <h1>Settings</h1>
        {views.length > 1 && (
          <Choice
            label="Settings"
            options={views}
            value={view?.value ?? null}
            onChange={(next) => adjust({ view: next })}
          />
        )}
        <span class="spacer" />
        <span class="muted">
          {name} ({role})
        </span>
        <button
          type="button"
          class="button small"
          onClick={() => void remove("/api/session").finally(() => location.assign("/"))}
        >
          Sign out
        </button>
      </header>
      {role === "viewer" && (
        <p class="muted page-note">
          You are signed in as {name} (viewer). Other settings need the role operator or admin.
        </p>
      )}
      {view && <view.screen />}
    </>
  );
}
