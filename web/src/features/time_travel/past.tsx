// SPDX-License-Identifier: LGPL-3.0-or-later
// Answers about the past, also when not everything is known.

import { Problem } from "../../api.ts";
import { Empty, Failed } from "../../components/states.tsx";
import { adjust, query } from "../../router.ts";
import { tables } from "../../state.ts";
import { shortTime } from "../../time.ts";
import { tableName } from "../filter/filter.ts";

/** Asks for all rows, or for the known rows if the address says so. A note says which. */
export async function asFarAsKnown<T>(
  ask: (more: Record<string, string>) => Promise<T>,
): Promise<{ answer: T; note: string }> {
  const isPartial = query.peek().get("partial") === "1";
  const partial: Record<string, string> = isPartial ? { partial: "true" } : {};
  const note = isPartial ? "Not all rows are known for this time. These are the known ones." : "";
  try {
    return { answer: await ask(partial), note };
  } catch (error) {
    if (!(error instanceof Problem) || !error.message.includes("is known until")) throw error;
    return { answer: await ask({ ...partial, allow_stale: "true" }), note };
  }
}

export function Unknown(props: { table: string; at: string; error: unknown; retry: () => void }) {
  const { error, retry } = props;
  const since = tables.value?.find((one) => tableName(one.schema, one.table) === props.table)?.since;
  if (!(error instanceof Problem) || error.status !== 409) return <Failed error={error} retry={retry} />;
  if (since !== undefined && Date.parse(props.at) < Date.parse(since)) {
    return (
      <Empty icon="past" title="The history of this table begins later">
        <p>It begins at {shortTime(since)}.</p>
        <div class="row">
          <button type="button" class="button" onClick={() => adjust({ at: since, page: undefined })}>
            Go to the beginning
          </button>
        </div>
      </Empty>
    );
  }
  if (!error.hint.includes("partial")) return <Failed error={error} retry={retry} />;
  const showKnown = () => {
    adjust({ partial: "1" }, "replace");
    retry();
  };
  return (
    <Empty icon="warn" title="Not everything is known for this time">
      <p>{error.message.charAt(0).toUpperCase() + error.message.slice(1)}.</p>
      <div class="row">
        <button type="button" class="button" onClick={showKnown}>
          Show the known rows
        </button>
      </div>
    </Empty>
  );
}
