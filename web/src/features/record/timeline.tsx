// SPDX-License-Identifier: LGPL-3.0-or-later
// The versions of a record, the newest first.
import type { Version } from "../../api.ts";
import { Ago } from "../../components/ago.tsx";
import { OperationBadge } from "../../components/operation_badge.tsx";
import { type Json, plain } from "../../json.ts";
import { Person } from "../change/person.tsx";

import { placeOf } from "../change/who.ts";

export function TimelineEntry({
  version,
  isCurrent,
  onPick,
}: {
  version: Version;
  isCurrent: boolean;
  onPick: () => void;
}) {
  const place = placeOf(version.context);
  return (
    <li class={`${version.operation} ${isCurrent ? "current" : ""}`}>
      <button type="button" onClick={onPick} aria-current={isCurrent ? "true" : undefined}>
        <span class="row">
          <OperationBadge operation={version.operation} />
          <Person context={version.context} />
          <span class="spacer" />
          <span class="muted">
            <Ago at={version.valid_from} />
          </span>
        </span>
        {version.operation === "UPDATE" && <ChangedLine changed={version.changed} />}
        {place !== undefined && <span class="muted ellipsis">{place}</span>}
      </button>
    </li>
  );
}

function ChangedLine({ changed }: { changed: { [column: string]: [Json, Json] } }) {
  return (
    <span class="summary">
      {Object.entries(changed).map(([name, [before, after]]) => (
        <span class="pair" key={name}>
          <span class="name">{name}</span>
          <span class="was">{plain(before).slice(0, 40)}</span>
          <span class="arrow">→</span>
          <span class="is">{plain(after).slice(0, 40)}</span>
        </span>
      ))}
    </span>
  );
}
