// SPDX-License-Identifier: LGPL-3.0-or-later
// The menu of saved views.

import type { View } from "../../api.ts";
import { Icon } from "../../components/icons.tsx";
import { Menu } from "../../components/menu.tsx";
import { link, query } from "../../router.ts";
import { session } from "../../state.ts";
import { deleteView, keepView, views } from "./views.ts";

export function ViewsMenu() {
  const here = link("/changes", Object.fromEntries(query.value));
  const role = session.value?.role;
  return (
    <Menu
      kind="small"
      title="Saved views"
      label={
        <>
          <Icon name="bookmark" size={14} />
          <span class="hide-phone">Views</span>
        </>
      }
    >
      {views.value.length === 0 && <p class="muted menu-note">Save this filter and period.</p>}
      {views.value.map((view) => (
        <Line key={`${view.owner}/${view.name}`} view={view} />
      ))}
      <a
        href={link("/settings", { view: "webhooks", filter: query.value.get("filter") ?? undefined })}
        hidden={role !== "admin"}
      >
        Send these changes to a webhook…
      </a>
      <hr />
      <form
        onSubmit={(event) => {
          event.preventDefault();
          const data = new FormData(event.currentTarget);
          const name = String(data.get("name") ?? "").trim();
          if (name !== "") void keepView(name, here, data.get("shared") !== null);
        }}
      >
        <input
          class="input"
          name="name"
          placeholder="Name of this view"
          aria-label="Name of this view"
          autocomplete="off"
          maxLength={100}
          pattern="[^\/]*"
          title="Any text without a slash"
        />
        {role !== "viewer" && (
          <label class="check">
            <input type="checkbox" name="shared" /> Share with everyone
          </label>
        )}
        <button type="submit" class="button primary small">
          Save this view
        </button>
      </form>
    </Menu>
  );
}

function Line({ view }: { view: View }) {
  const mayDelete = view.own || session.value?.role === "admin";
  return (
    <div class="row">
      <a href={view.address} class="ellipsis" title={view.name}>
        {view.name}
        {view.shared && <span class="hint"> {view.own ? "shared" : `by ${view.owner}`}</span>}
      </a>
      {mayDelete && (
        <button
          type="button"
          class="delete"
          aria-label={`Delete ${view.name}`}
          onClick={() => void deleteView(view)}
        >
          <Icon name="close" size={13} />
        </button>
      )}
    </div>
  );
}
