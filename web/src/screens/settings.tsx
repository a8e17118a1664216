// SPDX-License-Identifier: LGPL-3.0-or-later
// Settings: who may do what, and what was done from here.
import { remove } from "../api.ts";
import { ActionLog } from "../parts/action_log.tsx";
import { Password } from "../parts/password.tsx";
import { People } from "../parts/people.tsx";
import { Webhooks } from "../parts/webhooks.tsx";
import { adjust, query } from "../router.ts";
import { session } from "../state.ts";

const RANKS = { viewer: 0, operator: 1, admin: 2 };
const VIEWS: [string, string, keyof typeof RANKS][] = [
  ["people", "People", "admin"],
  ["webhooks", "Webhooks", "admin"],
  ["log", "What was done", "operator"],
  ["password", "Your password", "viewer"],
];

export function Settings() {
  const rank = RANKS[session.value?.role ?? "viewer"];
  const views = VIEWS.filter(([, , role]) => rank >= RANKS[role]);
  const asked = query.value.get("view");
  const view = views.find(([name]) => name === asked)?.[0] ?? views[0]?.[0];
  return (
    <>
      <header class="page-head">
        <h1>Settings</h1>
        {views.length > 1 && (
          <div class="segmented" role="group" aria-label="Settings">
            {views.map(([name, title]) => (
              <button
                type="button"
                key={name}
                aria-pressed={view === name}
                onClick={() => adjust({ view: name })}
              >
                {title}
              </button>
            ))}
          </div>
        )}
        <span class="spacer" />
        <span class="muted">
          {session.value?.name} ({session.value?.role})
        </span>
        <button
          type="button"
          class="button small"
          onClick={() => void remove("/api/session").finally(() => location.assign("/"))}
        >
          Sign out
        </button>
      </header>
      {rank === RANKS.viewer && (
        <p class="muted">
          You are signed in as {session.value?.name}, who may look. Other settings need the role operator or
          admin.
        </p>
      )}
      {view === "password" ? (
        <Password />
      ) : view === "people" ? (
        <People />
      ) : view === "webhooks" ? (
        <Webhooks />
      ) : (
        <ActionLog />
      )}
    </>
  );
}
