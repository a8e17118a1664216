// SPDX-License-Identifier: LGPL-3.0-or-later
// One group of changes: a user, a request, a transaction.
import type { Group } from "../../api.ts";
import { Ago } from "../../components/ago.tsx";
import { Icon } from "../../components/icons.tsx";
import { link } from "../../router.ts";
import { count, plural } from "../../time.ts";
import { Person } from "../change/person.tsx";

import { placeOf } from "../change/who.ts";

export function GroupLine({ group, by }: { group: Group; by: string }) {
  const place = placeOf(group.context);
  const target = link("/activity/one", {
    by,
    value: group.value,
    source: by === "transaction" ? group.source : undefined,
  });
  const isPerson = by === "user_id";
  return (
    <a class="group-line" href={target}>
      <span class="group-name">
        <span class="mono ellipsis" title={group.value}>
          {group.value}
        </span>
        <span class="row muted group-context">
          {!isPerson && <Person context={group.context} />}
          {by !== "endpoint" && !isPerson && place !== undefined && <span class="ellipsis">{place}</span>}
          {(isPerson || by === "endpoint") && (
            <span class="number">{plural(group.transactions, "transaction")}</span>
          )}
        </span>
      </span>
      <span class="row wrap group-tables">
        {group.tables.slice(0, 3).map((table) => (
          <span class="badge none" key={table}>
            <span class="ellipsis">{table.replace(/^public\./, "")}</span>
          </span>
        ))}
        {group.tables.length > 3 && <span class="muted">+{group.tables.length - 3}</span>}
      </span>
      <OperationBar group={group} />
      <span class="number group-count">
        {count(group.changes)} <span class="muted">{group.changes === 1 ? "change" : "changes"}</span>
      </span>
      <span class="muted group-at">
        <Ago at={group.last} />
      </span>
      <Icon name="right" size={14} />
    </a>
  );
}

function OperationBar({ group }: { group: Pick<Group, "created" | "updated" | "deleted" | "changes"> }) {
  const parts = [
    ["created", group.created],
    ["updated", group.updated],
    ["deleted", group.deleted],
  ] as const;
  const title = parts
    .filter(([, number]) => number > 0)
    .map(([name, number]) => `${count(number)} ${name}`)
    .join(", ");
  return (
    <span class="op-bar" title={title} role="img" aria-label={title}>
      {parts.map(
        ([name, number]) =>
          number > 0 && <span key={name} class={`swatch ${name}`} style={{ width: "auto", flex: number }} />,
      )}
    </span>
  );
}
