// SPDX-License-Identifier: LGPL-3.0-or-later
// The button that follows new changes, or pauses.
import { sources } from "../../state.ts";
import type { Feed, LiveState } from "./feed.ts";

const STATES: Record<LiveState, [string, string]> = {
  live: ["good", "Live"],
  off: ["", "Paused"],
  lost: ["bad", "Reconnecting"],
  connecting: ["warn", "Connecting"],
};

export function LiveButton(props: {
  feed: Feed;
  canFollow: boolean;
  isPaused: boolean;
  onToggle: () => void;
}) {
  if (!props.canFollow) return <span class="muted">Fixed period</span>;
  const [tone, name] = STATES[props.feed.live.value];
  // The stream is open, and nothing can arrive from a source that nobody reads.
  const stuck = (sources.value ?? []).filter(({ health }) => health.level === "action");
  const isStuck = props.feed.live.value === "live" && stuck.length > 0;
  const why = stuck.map(({ source, health }) => `${source}: ${health.sentence}`).join("\n");
  return (
    <button
      type="button"
      class="button quiet small live"
      title={isStuck ? why : props.isPaused ? "Follow new changes (l)" : "Pause (l)"}
      id="live"
      onClick={props.onToggle}
    >
      <span class={`dot ${isStuck ? "warn" : tone}`} />
      {name}
    </button>
  );
}
