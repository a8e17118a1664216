// SPDX-License-Identifier: LGPL-3.0-or-later
// The versions of a record, the newest first.
import type { Version } from "../../api.ts";
import { Ago } from "../../components/ago.tsx";
import { tellingFirst } from "../../components/column_order.ts";
import { OperationBadge } from "../../components/operation_badge.tsx";
import { type Json, plain } from "../../json.ts";
import { Person } from "../change/person.tsx";
import { placeOf } from "../change/who.ts";

export function TimelineEntry({
  version,
  columns,
  isCurrent,
  onPick,
}: {
  version: Version;
  /** The table's, in its order. */
  columns: readonly string[];
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
        {version.operation === "UPDATE" && <ChangedLine changed={version.changed} columns={columns} />}
        {place !== undefined && <span class="muted ellipsis">{place}</span>}
      </button>
    </li>
  );
}

function ChangedLine(props: { changed: { [column: string]: [Json, Json] }; columns: readonly string[] }) {
  const { changed, columns } = props;
  const pairs = tellingFirst(Object.keys(changed), columns).map(
    (name) => [name, ...(changed[name] ?? [])] as const,
  );
  return (
    <span class="summary">
      {pairs.map(([name, before = null, after = null]) => (
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
