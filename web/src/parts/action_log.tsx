// SPDX-License-Identifier: LGPL-3.0-or-later
// What was undone and set from here, by whom, and how it ended.
import { useState } from "preact/hooks";
import { type Action, get } from "../api.ts";
import { Icon } from "../icons.tsx";
import { pretty } from "../json.ts";
import { exactTime, shortTime } from "../time.ts";
import { Empty, Failed, Skeleton, useLoad } from "./basics.tsx";

const PAGE = 100;

export function ActionLog() {
  const [before, setBefore] = useState(0);
  const [open, setOpen] = useState(0);
  const { value, error, retry } = useLoad(`actions ${before}`, (signal) =>
    get<{ actions: Action[] }>("/api/actions", { limit: PAGE, before: before || undefined }, signal),
  );
  if (error !== undefined) return <Failed error={error} retry={retry} />;
  if (!value) return <Skeleton lines={6} height={26} />;
  if (value.actions.length === 0) {
    return (
      <Empty icon="check" title="Nothing was done from here yet">
        <p>
          Each undo, each mark and each change of these settings is written down here before it is done, with
          who did it.
        </p>
      </Empty>
    );
  }
  return (
    <>
      <section class="card" aria-label="What was done">
        {value.actions.map((action) => (
          <div key={action.id} class={`change ${open === action.id ? "is-open" : ""}`}>
            <div class="change-line action-line" onClick={() => setOpen(open === action.id ? 0 : action.id)}>
              <button
                type="button"
                class="expander"
                aria-expanded={open === action.id}
                aria-label="Show what it was"
              >
                <Icon name="right" size={14} />
              </button>
              <span
                class={`badge ${action.outcome === "done" ? "good" : action.outcome === null ? "warn" : "bad"}`}
              >
                {action.outcome === "done" ? "Done" : action.outcome === null ? "Under way" : "Failed"}
              </span>
              <strong class="ellipsis">{action.action}</strong>
              <span class="ellipsis" title={action.target}>
                {action.target}
              </span>
              <span class="ellipsis">
                {action.actor} <span class="muted">({action.role})</span>
              </span>
              <time class="at number" dateTime={action.at} title={exactTime(action.at)}>
                {shortTime(action.at)}
              </time>
            </div>
            {open === action.id && (
              <div class="since-detail stack">
                {action.outcome !== "done" && action.outcome !== null && <p>{action.outcome}</p>}
                <p class="muted">from {action.peer}</p>
                {Object.keys(action.details).length > 0 && (
                  <pre class="sql" tabIndex={0}>
                    {pretty(action.details)}
                  </pre>
                )}
              </div>
            )}
          </div>
        ))}
      </section>
      <div class="row more-note">
        {before !== 0 && (
          <button type="button" class="button small" onClick={() => setBefore(0)}>
            To the newest
          </button>
        )}
        {value.actions.length === PAGE && (
          <button type="button" class="button small" onClick={() => setBefore(value.actions.at(-1)!.id)}>
            Older
          </button>
        )}
      </div>
    </>
  );
}
