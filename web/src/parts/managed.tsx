// SPDX-License-Identifier: LGPL-3.0-or-later
// Sources whose workers run from here: start, stop, take away, and what they say.
import { useEffect, useState } from "preact/hooks";
import { get, post, remove } from "../api.ts";
import { Icon } from "../icons.tsx";
import { managedNames, session, sources } from "../state.ts";
import { shortTime } from "../time.ts";
import { FailedNotice, Notice, useAction } from "./basics.tsx";
import { Connect } from "./connect.tsx";

interface Managed {
  name: string;
  place: string;
  paused: boolean;
  state: "starting" | "running" | "failing" | "stopped" | "paused";
  pid: number;
  starts: number;
  last_error: string;
  lines: string[];
  exclude: string[];
  ignore_columns: string[];
  retention: string[];
  /** Null: in the history that is shown here. */
  destination: string | null;
  created_by: string;
  created_at: string;
}

const TONES: Record<Managed["state"], [string, string]> = {
  starting: ["warn", "Starting"],
  running: ["good", "Tracking"],
  failing: ["bad", "Failing"],
  stopped: ["none", "Stopped"],
  paused: ["none", "Paused"],
};
const LOOK_MS = 2000;

export function ManagedSources() {
  const [found, setFound] = useState<{ managing: boolean; sources: Managed[] } | null>(null);
  const [isConnecting, setConnecting] = useState(false);
  const look = () =>
    get<{ managing: boolean; sources: Managed[] }>("/api/managed").then(
      (answer) => {
        setFound(answer);
        managedNames.value = new Set(answer.sources.map(({ name }) => name));
      },
      () => {},
    );
  const { failed, isBusy, run } = useAction(() => void look());
  useEffect(() => {
    void look();
    const timer = setInterval(() => document.visibilityState === "visible" && void look(), LOOK_MS);
    return () => clearInterval(timer);
  }, []);
  const isAdmin = session.value?.role === "admin";
  if (found === null) return null;
  if (!found.managing) {
    return sources.value?.length === 0 ? (
      <Notice kind="info">
        To connect databases from here, start bemi serve with BEMI_SECRET_KEY in the environment.
      </Notice>
    ) : null;
  }
  return (
    <>
      {failed !== undefined && <FailedNotice error={failed} />}
      {isConnecting ? (
        <Connect
          onClose={() => setConnecting(false)}
          onDone={() => {
            setConnecting(false);
            void look();
          }}
        />
      ) : (
        isAdmin && (
          <div class="row">
            <button type="button" class="button primary" onClick={() => setConnecting(true)}>
              Connect a database
            </button>
          </div>
        )
      )}
      {found.sources.length > 0 && (
        <section class="card" aria-label="Tracked from here">
          <header>
            <h2>Tracked from here</h2>
            <span class="muted">each by a worker of its own</span>
          </header>
          {found.sources.map((source) => (
            <ManagedLine key={source.name} source={source} isBusy={isBusy || !isAdmin} run={run} />
          ))}
        </section>
      )}
    </>
  );
}

/** What is not as everybody expects it: another place, a time after which changes go. */
function WhereItGoes({ source }: { source: Managed }) {
  return (
    <p class="muted managed-note">
      {source.destination !== null && (
        <>
          Its history is in <strong>{source.destination}</strong>, and not among the changes here:{" "}
          <code>bemi serve --destination …</code> shows it.{" "}
        </>
      )}
      {source.retention.length > 0 && `Changes are kept for ${source.retention.join(", ")}.`}
    </p>
  );
}

function ManagedLine({
  source,
  isBusy,
  run,
}: {
  source: Managed;
  isBusy: boolean;
  run: (act: () => Promise<unknown>) => Promise<unknown>;
}) {
  const [isSure, setSure] = useState(false);
  const [isOpen, setOpen] = useState(false);
  const [tone, name] = TONES[source.state] ?? ["none", source.state];
  return (
    <div class="mark-line">
      <span class={`badge ${tone}`}>{name}</span>
      <span class="mark-name">
        <strong>{source.name}</strong>
        <span class="muted ellipsis">{source.place}</span>
      </span>
      <span class="spacer" />
      <span class="muted hide-phone">
        by {source.created_by}, {shortTime(source.created_at)}
      </span>
      <button
        type="button"
        class="button quiet small"
        aria-expanded={isOpen}
        onClick={() => setOpen(!isOpen)}
      >
        <Icon name={isOpen ? "down" : "right"} size={13} /> Log
      </button>
      <button
        type="button"
        class="button small"
        disabled={isBusy}
        onClick={() =>
          void run(() => post(`/api/managed/${source.paused ? "resume" : "pause"}`, { name: source.name }))
        }
      >
        {source.paused ? "Resume" : "Pause"}
      </button>
      <button
        type="button"
        class={`button small ${isSure ? "danger" : "quiet"}`}
        disabled={isBusy}
        onClick={() =>
          isSure
            ? void run(() => remove(`/api/managed/${encodeURIComponent(source.name)}`)).then(() =>
                setSure(false),
              )
            : setSure(true)
        }
      >
        {isSure ? `Stop tracking ${source.name}, drop its slot` : "Remove…"}
      </button>
      {(source.destination !== null || source.retention.length > 0) && <WhereItGoes source={source} />}
      {source.state !== "running" && source.last_error !== "" && (
        <p class="webhook-problem">{source.last_error}</p>
      )}
      {source.paused && (
        <p class="muted webhook-problem-none">
          While it is paused the source keeps its WAL for us: not for long.
        </p>
      )}
      {isOpen && (
        <pre class="sql worker-log" tabIndex={0}>
          {source.lines.length === 0 ? "It has said nothing yet." : source.lines.join("\n")}
        </pre>
      )}
    </div>
  );
}
