// SPDX-License-Identifier: LGPL-3.0-or-later
// One change by its link.
import { type Change, get } from "../api.ts";
import { shortTableName } from "../filter.ts";
import { Failed, OperationBadge, Skeleton, useLoad } from "../parts/basics.tsx";
import { ChangeDetail } from "../parts/change_row.tsx";
import { exactTime } from "../time.ts";

export function OneChange({ id }: { id: string }) {
  const {
    value: change,
    error,
    retry,
  } = useLoad(id, (signal) => get<Change>(`/api/changes/${encodeURIComponent(id)}`, {}, signal));
  if (error !== undefined) return <Failed error={error} retry={retry} />;
  if (!change) return <Skeleton lines={8} />;
  return (
    <>
      <header class="page-head">
        <OperationBadge operation={change.operation} />
        <h1>
          {shortTableName(change.schema, change.table)} {change.primary_key}
        </h1>
        <span class="muted number">{exactTime(change.effective_at).split("\n")[0]}</span>
        <span class="spacer" />
        <a class="button small" href="/changes">
          All changes
        </a>
      </header>
      <div class="card one-change">
        <ChangeDetail change={change} />
      </div>
    </>
  );
}
