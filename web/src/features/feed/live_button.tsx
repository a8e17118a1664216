// SPDX-License-Identifier: LGPL-3.0-or-later
// The button that follows new changes, or pauses.
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
  return (
    <button
      type="button"
      class="button quiet small live"
      title={props.isPaused ? "Follow new changes (l)" : "Pause (l)"}
      id="live"
      onClick={props.onToggle}
    >
      <span class={`dot ${tone}`} />
      {name}
    </button>
  );
}
