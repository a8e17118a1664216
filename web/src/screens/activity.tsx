// SPDX-License-Identifier: LGPL-3.0-or-later
// Activity: changes grouped by user, request, transaction or any key of the context.

import { get } from "../api.ts";
import { Choice } from "../components/choice.tsx";
import { RangePicker } from "../components/range_picker.tsx";
import { Select } from "../components/select.tsx";
import { Empty, Failed, Skeleton } from "../components/states.tsx";
import { useLoad } from "../components/use_load.ts";
import { GroupLine } from "../features/activity/group_line.tsx";
import { parseFilter } from "../features/filter/filter.ts";
import { FilterBar } from "../features/filter/filter_bar.tsx";
import { type Selection, selectionOf } from "../features/filter/selection.ts";
import { adjust, query } from "../router.ts";
import { contextKeys } from "../state.ts";

const FAMILIAR: [string, string][] = [
  ["user_id", "User"],
  ["request_id", "Request"],
  ["endpoint", "Endpoint"],
  ["trace_id", "Trace"],
];

type Choices = [string, string][];

function choices(): Choices {
  const keys = (contextKeys.value ?? []).map(({ key }) => key);
  const familiar = FAMILIAR.filter(([key]) => keys.includes(key));
  return [...familiar, ["transaction", "Transaction"], ["table", "Table"]];
}

export function Activity() {
  const by = query.value.get("by") ?? choices()[0]?.[0] ?? "table";
  const text = query.value.get("filter") ?? "";
  return (
    <>
      <header class="page-head">
        <h1>Activity</h1>
        <div class="spacer" />
        <RangePicker />
      </header>
      <GroupBy by={by} />
      <FilterBar text={text} onChange={(filter) => adjust({ filter: filter || undefined })} />
      <Groups by={by} text={text} />
    </>
  );
}

function GroupBy({ by }: { by: string }) {
  const common = choices();
  const isCommon = (key: string) => common.some(([name]) => name === key);
  const others = (contextKeys.value ?? []).map(({ key }) => key).filter((key) => !isCommon(key));
  if (!isCommon(by) && !others.includes(by)) others.unshift(by);
  return (
    <div class="row wrap group-by">
      <span class="muted">Group by</span>
      <Choice
        label="Group by"
        options={common.map(([value, name]) => ({ value, name }))}
        value={by}
        onChange={(key) => adjust({ by: key })}
      />
      {others.length > 0 && (
        <Select
          label="Another context key"
          prompt="Other key…"
          value={isCommon(by) ? "" : by}
          options={others.map((key) => [key, key] as const)}
          onChange={(key) => adjust({ by: key })}
        />
      )}
    </div>
  );
}

function Groups({ by, text }: { by: string; text: string }) {
  const selection = selectionOf(parseFilter(text).filter, query.value.get("range"));
  const parameters: Selection = [["by", by], ...selection];
  const { value, error, isLoading, retry } = useLoad(JSON.stringify(parameters), (signal) =>
    get("/api/groups", parameters, signal),
  );
  if (error !== undefined) return <Failed error={error} retry={retry} />;
  if (!value) return <Skeleton lines={8} height={28} />;
  if (value.groups.length === 0) {
    return (
      <Empty icon="activity" title="No activity">
        <p>No change in this period has the key “{by}”. Choose another key or a longer period.</p>
      </Empty>
    );
  }
  return (
    <div class={`groups ${isLoading ? "is-stale" : ""}`}>
      {value.groups.map((group) => (
        <GroupLine key={`${group.value}/${group.source}/${group.first}`} group={group} by={by} />
      ))}
      {value.groups.length >= 100 && (
        <p class="muted more-note">The latest 100 groups. Narrow the period or the filter to see others.</p>
      )}
    </div>
  );
}
