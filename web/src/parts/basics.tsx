// SPDX-License-Identifier: LGPL-3.0-or-later
// Small things that every screen uses.
import type { ComponentChildren } from "preact";
import { useEffect, useRef, useState } from "preact/hooks";
import type { Operation } from "../api.ts";
import { Problem } from "../api.ts";
import { Icon, type IconName } from "../icons.tsx";
import { adjust, query } from "../router.ts";
import { say } from "../state.ts";
import { ago, boundsOf, exactTime, lastDays, RANGES, rangeTitle, toInput } from "../time.ts";

const OPERATION_NAMES: Record<Operation, string> = {
  CREATE: "Create",
  UPDATE: "Update",
  DELETE: "Delete",
  TRUNCATE: "Truncate",
  SNAPSHOT: "Baseline",
  SCHEMA: "Schema",
};

export function OperationBadge({ operation }: { operation: Operation }) {
  return <span class={`badge ${operation}`}>{OPERATION_NAMES[operation] ?? operation}</span>;
}

export function Ago({ at }: { at: string }) {
  return (
    <time dateTime={at} title={exactTime(at)} class="number">
      {ago(at)}
    </time>
  );
}

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

export function Failed({ error, retry }: { error: unknown; retry?: () => void }) {
  const hint = error instanceof Problem ? error.hint : "";
  const text = error instanceof Error ? error.message : String(error);
  return (
    <div class="state error" role="alert">
      <span class="picture">
        <Icon name="warn" size={20} />
      </span>
      <h2>{text.charAt(0).toUpperCase() + text.slice(1)}</h2>
      {hint !== "" && <p>{hint.charAt(0).toUpperCase() + hint.slice(1)}</p>}
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
      {error instanceof Error ? error.message : String(error)}
      {error instanceof Error && "hint" in error && error.hint !== "" && (
        <p class="hint">{String(error.hint)}</p>
      )}
    </Notice>
  );
}

export function Skeleton({ lines, height = 18 }: { lines: number; height?: number }) {
  const widths = [92, 76, 84, 61, 88, 70];
  return (
    <div style={{ display: "grid", gap: "12px", padding: "14px 0" }} aria-busy="true" aria-label="Loading">
      {Array.from({ length: lines }, (_, i) => (
        <div
          key={i}
          class="skeleton"
          style={{ height: `${height}px`, width: `${widths[i % widths.length]}%` }}
        />
      ))}
    </div>
  );
}

/** A button with a list under it, closed by Escape and by a click elsewhere. */
export function Menu(props: {
  label: ComponentChildren;
  title?: string;
  kind?: string;
  side?: "left" | "right";
  children: ComponentChildren;
}) {
  const [isOpen, setOpen] = useState(false);
  const root = useRef<HTMLDivElement>(null);
  useEffect(() => {
    if (!isOpen) return;
    const close = (event: Event) => {
      const isKey = event instanceof KeyboardEvent;
      if (isKey ? event.key === "Escape" : !root.current?.contains(event.target as Node)) {
        setOpen(false);
        if (isKey) root.current?.querySelector("button")?.focus();
      }
    };
    document.addEventListener("pointerdown", close);
    document.addEventListener("keydown", close);
    return () => {
      document.removeEventListener("pointerdown", close);
      document.removeEventListener("keydown", close);
    };
  }, [isOpen]);
  return (
    <div class="menu" ref={root}>
      <button
        type="button"
        class={`button ${props.kind ?? ""}`}
        title={props.title}
        aria-expanded={isOpen}
        onClick={() => setOpen(!isOpen)}
      >
        {props.label}
      </button>
      {isOpen && (
        <div
          class={`menu-list ${props.side ?? "right"}`}
          onClick={(event) =>
            (event.target as Element).closest("button:not([type=submit]), a") && setOpen(false)
          }
          onSubmit={() => setOpen(false)}
        >
          {props.children}
        </div>
      )}
    </div>
  );
}

export async function copy(text: string, what: string): Promise<void> {
  try {
    await navigator.clipboard.writeText(text);
  } catch {
    // Without https the clipboard is closed to scripts but not to a selection.
    const area = document.createElement("textarea");
    area.value = text;
    document.body.append(area);
    area.select();
    document.execCommand("copy");
    area.remove();
  }
  say(`${what} copied`);
}

export function RangePicker() {
  const range = query.value.get("range");
  const bounds = boundsOf(range);
  const isOwn = range !== null && !RANGES.some(({ name }) => name === range);
  return (
    <div class="row">
      <div class="segmented" role="group" aria-label="Time range">
        {RANGES.map(({ name, title }) => (
          <button
            type="button"
            key={name}
            title={title}
            aria-pressed={range === name}
            onClick={() => adjust({ range: name })}
          >
            {name}
          </button>
        ))}
        <button type="button" aria-pressed={range === null} onClick={() => adjust({ range: undefined })}>
          All
        </button>
      </div>
      <Menu
        title="Choose a time range"
        kind={isOwn ? "small" : "quiet small"}
        label={
          <>
            <Icon name="past" size={14} />
            {isOwn ? rangeTitle(range) : <span class="hide-phone">Day…</span>}
          </>
        }
      >
        {lastDays().map((day) => (
          <button
            type="button"
            key={day.name}
            aria-pressed={range === day.range}
            onClick={() => adjust({ range: day.range })}
          >
            {day.name}
          </button>
        ))}
        <hr />
        <form
          onSubmit={(event) => {
            event.preventDefault();
            const data = new FormData(event.currentTarget);
            const iso = (name: string) => {
              const text = String(data.get(name) ?? "");
              return text === "" ? "" : new Date(text).toISOString();
            };
            const text = `${iso("since")}..${iso("until")}`;
            adjust({ range: text === ".." ? undefined : text });
          }}
        >
          <label>
            <span class="label">From</span>
            <input
              class="input"
              type="datetime-local"
              step="1"
              name="since"
              defaultValue={bounds.since ? toInput(new Date(bounds.since)) : ""}
            />
          </label>
          <label>
            <span class="label">Until</span>
            <input
              class="input"
              type="datetime-local"
              step="1"
              name="until"
              defaultValue={bounds.until ? toInput(new Date(bounds.until)) : ""}
            />
          </label>
          <button type="submit" class="button primary">
            Show
          </button>
        </form>
      </Menu>
    </div>
  );
}

// What a person starts by a button: one at a time, and what came of it.
export function useAction(onDone: () => void) {
  const [failed, setFailed] = useState<unknown>();
  const [isBusy, setBusy] = useState(false);
  const run = async (act: () => Promise<unknown>): Promise<boolean> => {
    setBusy(true);
    setFailed(undefined);
    try {
      await act();
      onDone();
      return true;
    } catch (problem) {
      setFailed(problem);
      return false;
    } finally {
      setBusy(false);
    }
  };
  return { failed, isBusy, run };
}

/** Loads when `key` changes; what came before stays until the new is there. */
export function useLoad<T>(key: string, load: (signal: AbortSignal) => Promise<T>) {
  const [state, setState] = useState<{ key: string; value?: T; error?: unknown }>({ key: "" });
  const [attempt, setAttempt] = useState(0);
  useEffect(() => {
    const abort = new AbortController();
    load(abort.signal).then(
      (value) => !abort.signal.aborted && setState({ key, value }),
      (error: unknown) => !abort.signal.aborted && setState((before) => ({ ...before, key, error })),
    );
    return () => abort.abort();
  }, [key, attempt]);
  const retry = () => {
    setState((before) => ({ ...before, error: undefined }));
    setAttempt((number) => number + 1);
  };
  return {
    value: state.value,
    error: state.key === key ? state.error : undefined,
    isLoading: state.key !== key,
    retry,
  };
}
