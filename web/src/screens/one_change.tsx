// SPDX-License-Identifier: LGPL-3.0-or-later
// One change, by its link.

import { get } from "../api.ts";
import { OperationBadge } from "../components/operation_badge.tsx";
import { Failed, Skeleton } from "../components/states.tsx";
import { useLoad } from "../components/use_load.ts";
import { ChangeDetail } from "../features/change/change_detail.tsx";
import { shortTableName } from "../features/filter/filter.ts";
import { exactTime } from "../time.ts";

export function OneChange({ id }: { id: string }) {
  const {
    value: change,
    error,
    retry,
  } = useLoad(id, (signal) => get("/api/changes/{id}", {}, signal, { id }));
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
