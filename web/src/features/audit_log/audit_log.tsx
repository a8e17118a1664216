// SPDX-License-Identifier: LGPL-3.0-or-later
// The audit log: every action from this dashboard, who took it, and how it ended.
import { useState } from "preact/hooks";
import { type Action, get } from "../../api.ts";
import { Expander } from "../../components/expander.tsx";
import { SqlText } from "../../components/sql_text.tsx";
import { Empty, Failed, Skeleton } from "../../components/states.tsx";
import { useLoad } from "../../components/use_load.ts";
import { pretty } from "../../json.ts";
import { exactTime, shortTime } from "../../time.ts";

const PAGE = 100;

export function AuditLog() {
  const [before, setBefore] = useState(0);
  const { value, error, retry } = useLoad(`actions ${before}`, (signal) =>
    get("/api/actions", { limit: PAGE, before: before || undefined }, signal),
  );
  if (error !== undefined) return <Failed error={error} retry={retry} />;
  if (!value) return <Skeleton lines={6} height={26} />;
  const { actions } = value;
  const oldest = actions.at(-1)?.id;
  if (oldest === undefined) {
    return (
      <Empty icon="check" title="No actions yet">
        <p>The audit log records every undo, every mark and every change of settings, with its author.</p>
      </Empty>
    );
  }
  return (
    <>
      <section class="card" aria-label="Audit log">
        {actions.map((action) => (
          <ActionLine key={action.id} action={action} />
        ))}
      </section>
      <div class="row more-note">
        {before !== 0 && (
          <button type="button" class="button small" onClick={() => setBefore(0)}>
            Newest
          </button>
        )}
        {actions.length === PAGE && (
          <button type="button" class="button small" onClick={() => setBefore(oldest)}>
            Older
          </button>
        )}
      </div>
    </>
  );
}

function outcomeOf(outcome: string | null): [string, string] {
  if (outcome === "done") return ["good", "Done"];
  return outcome === null ? ["warn", "In progress"] : ["bad", "Failed"];
}

function ActionLine({ action }: { action: Action }) {
  const [isOpen, setOpen] = useState(false);
  const [tone, outcome] = outcomeOf(action.outcome);
  return (
    <div class={`change ${isOpen ? "is-open" : ""}`}>
      <div class="change-line action-line">
        <Expander
          isOpen={isOpen}
          label={`${action.action} ${action.target}, ${shortTime(action.at)}`}
          onToggle={() => setOpen(!isOpen)}
        />
        <span class={`badge ${tone}`}>{outcome}</span>
        <strong class="ellipsis where">{action.action}</strong>
        <span class="ellipsis summary" title={action.target}>
          {action.target}
        </span>
        <span class="ellipsis who">
          {action.actor} <span class="muted">({action.role})</span>
        </span>
        <time class="at number" dateTime={action.at} title={exactTime(action.at)}>
          {shortTime(action.at)}
        </time>
      </div>
      {isOpen && (
        <div class="since-detail stack">
          {tone === "bad" && <p>{action.outcome}</p>}
          <p class="muted">from {action.peer}</p>
          {Object.keys(action.details).length > 0 && <SqlText>{pretty(action.details)}</SqlText>}
        </div>
      )}
    </div>
  );
}
