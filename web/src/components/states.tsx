// SPDX-License-Identifier: LGPL-3.0-or-later
// The states of a screen or a card: empty, failed, loading, and notices.

import type { ComponentChildren } from "preact";
import { Problem } from "../api.ts";
import { Icon, type IconName } from "./icons.tsx";

export function Empty(props: { icon: IconName; title: string; children?: ComponentChildren }) {
  return (
    <div class="state">
      <span class="picture">
        <Icon name={props.icon} size={20} />
      </span>
      <h2>{props.title}</h2>
      {props.children}
    </div>
  );
}

/** The server's messages begin in lower case, as on a command line. */
function sentence(text: string): string {
  return text.charAt(0).toUpperCase() + text.slice(1);
}

export function Failed({ error, retry }: { error: unknown; retry?: () => void }) {
  const hint = error instanceof Problem ? error.hint : "";
  const text = error instanceof Error ? error.message : String(error);
  return (
    <div class="state error" role="alert">
      <span class="picture">
        <Icon name="warn" size={20} />
      </span>
      <h2>{sentence(text)}</h2>
      {hint !== "" && <p>{sentence(hint)}</p>}
      {retry && (
        <div class="row">
          <button type="button" class="button" onClick={retry}>
            Try again
          </button>
        </div>
      )}
    </div>
  );
}

export function Notice(props: {
  kind?: "error" | "good" | "info";
  icon?: IconName;
  children: ComponentChildren;
}) {
  return (
    <div class={`notice ${props.kind ?? ""}`} role={props.kind === "error" ? "alert" : "status"}>
      <Icon
        name={props.icon ?? (props.kind === "good" ? "check" : props.kind === "info" ? "info" : "warn")}
      />
      <div>{props.children}</div>
    </div>
  );
}

export function FailedNotice({ error }: { error: unknown }) {
  return (
    <Notice kind="error">
      {sentence(error instanceof Error ? error.message : String(error))}
      {error instanceof Problem && error.hint !== "" && <p class="hint">{sentence(error.hint)}</p>}
    </Notice>
  );
}

export function Skeleton({ lines, height = 18 }: { lines: number; height?: number }) {
  const widths = [92, 76, 84, 61, 88, 70];
  return (
    <output class="skeletons" aria-busy="true" aria-label="Loading">
      {Array.from({ length: lines }, (_, i) => (
        <span
          key={i}
          class="skeleton"
          style={{ height: `${height}px`, width: `${widths[i % widths.length]}%` }}
        />
      ))}
    </output>
  );
}
