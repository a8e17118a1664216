// SPDX-License-Identifier: LGPL-3.0-or-later
// One managed source.
import { useState } from "preact/hooks";
import { type ManagedSource, post, remove } from "../../api.ts";
import { Icon } from "../../components/icons.tsx";
import { RemoveButton } from "../../components/remove_button.tsx";
import { SqlText } from "../../components/sql_text.tsx";
import { sources } from "../../state.ts";
import { shortTime } from "../../time.ts";
import { HEALTH, TONES as HEALTH_TONES } from "../sources/verdicts.ts";

const TONES: Record<ManagedSource["state"], [string, string]> = {
  starting: ["warn", "Starting"],
  running: ["good", "Tracking"],
  failing: ["bad", "Failing"],
  stopped: ["none", "Stopped"],
  paused: ["none", "Paused"],
};

/** A worker that runs is tracking only if its source says so. */
function badgeOf({ name, state }: ManagedSource): [string, string] {
  const health = sources.value?.find(({ source }) => source === name)?.health;
  if (state === "running" && health !== undefined && health.level !== "good")
    return [HEALTH_TONES[health.level], HEALTH[health.level]];
  return TONES[state] ?? ["none", state];
}

type Run = (act: () => Promise<unknown>) => Promise<unknown>;

export function ManagedLine({ source, isBusy, run }: { source: ManagedSource; isBusy: boolean; run: Run }) {
  const [isOpen, setOpen] = useState(false);
  const [tone, state] = badgeOf(source);
  const { name } = source;
  const toggle = () => post(source.paused ? "/api/managed/resume" : "/api/managed/pause", { name });
  return (
    <div class="mark-line">
      <span class={`badge ${tone}`}>{state}</span>
      <span class="mark-name">
        <strong>{name}</strong>
        <span class="muted ellipsis">{source.place}</span>
      </span>
      <span class="spacer" />
      <span class="muted hide-phone">
        added by {source.created_by}, {shortTime(source.created_at)}
      </span>
      <button
        type="button"
        class="button quiet small"
        aria-expanded={isOpen}
        onClick={() => setOpen(!isOpen)}
      >
        <Icon name={isOpen ? "down" : "right"} size={13} /> Log
      </button>
      <button type="button" class="button small" disabled={isBusy} onClick={() => void run(toggle)}>
        {source.paused ? "Resume" : "Pause"}
      </button>
      <RemoveButton
        name={name}
        warning={`Stop tracking ${name} and drop its slot`}
        disabled={isBusy}
        onRemove={() => void run(() => remove("/api/managed/{name}", { name }))}
      />
      <Notes source={source} />
      {isOpen && (
        <SqlText kind="worker-log">
          {source.lines.length === 0 ? "No log output yet." : source.lines.join("\n")}
        </SqlText>
      )}
    </div>
  );
}

/** Facts that differ from the usual: another destination, a retention, a problem, a pause. */
function Notes({ source }: { source: ManagedSource }) {
  return (
    <>
      {source.destination !== null && (
        <p class="muted managed-note">
          The history is stored in <strong>{source.destination}</strong>, not here. To see it, run{" "}
          <code>bemi serve --destination …</code>
        </p>
      )}
      {source.retention.length > 0 && (
        <p class="muted managed-note">Changes are kept for {source.retention.join(", ")}.</p>
      )}
      {source.state !== "running" && source.last_error !== "" && <p class="problem">{source.last_error}</p>}
      {source.paused && (
        <p class="muted managed-note">
          While paused, the source retains WAL for this slot. Resume soon, before its disk fills up.
        </p>
      )}
    </>
  );
}
