// SPDX-License-Identifier: LGPL-3.0-or-later
// Connecting a database: what `bemi check` says of it while one types, what to fix and how, which
// tables and columns to track; then its worker is started.
import { useEffect, useState } from "preact/hooks";
import { post } from "../api.ts";
import { Icon } from "../icons.tsx";
import { bytes, count } from "../time.ts";
import { copy, FailedNotice, Notice, useAction } from "./basics.tsx";

interface Finding {
  severity: "ok" | "info" | "warning" | "error";
  subject: string;
  what: string;
  fix: string;
  /** Starting does it by itself. */
  prepared: boolean;
}

interface Candidate {
  schema: string;
  table: string;
  bytes: number;
  columns: string[];
  tracked: boolean;
}

interface Checked {
  name: string;
  place: string;
  good: boolean;
  source: Finding[];
  destination: Finding[];
  steps: { what: string; sql: string }[];
  tables: Candidate[];
}

/** What is typed, all of it text. */
interface Asked {
  url: string;
  name: string;
  admin_url: string;
  revert_url: string;
  retention: string;
  destination_url: string;
  new_admin_url: string;
  new_database: string;
  new_role: string;
}
type Place = "here" | "there" | "new";

const PAUSE_MS = 700;
const EMPTY: Asked = {
  url: "",
  name: "",
  admin_url: "",
  revert_url: "",
  retention: "",
  destination_url: "",
  new_admin_url: "",
  new_database: "",
  new_role: "",
};
const PLACES: [Place, string][] = [
  ["here", "This history"],
  ["there", "Another database"],
  ["new", "A new one"],
];
const isAddress = (url: string) => /^postgres(ql)?:\/\/.+|.*\bhost\s*=/.test(url.trim());

/** As the API takes it; what is not said is left out. */
function bodyOf(asked: Asked, place: Place, takesOver: boolean): Record<string, unknown> {
  const said = (names: (keyof Asked)[]) =>
    Object.fromEntries(names.map((name) => [name, asked[name].trim()]).filter(([, text]) => text !== ""));
  return {
    ...said(["url", "name", "admin_url", "revert_url"]),
    ...(asked.retention.trim() !== "" && { retention: asked.retention.split(",").map((one) => one.trim()) }),
    ...(place === "there" && said(["destination_url"])),
    ...(place === "new" && {
      new_destination: {
        admin_url: asked.new_admin_url.trim(),
        database: asked.new_database.trim(),
        role: asked.new_role.trim(),
        take_over: takesOver,
      },
    }),
  };
}

/** Whether all that is needed to look has been typed. */
function canLook(asked: Asked, place: Place): boolean {
  if (!isAddress(asked.url) || (asked.admin_url !== "" && !isAddress(asked.admin_url))) return false;
  if (place === "there") return isAddress(asked.destination_url);
  return place === "here" || (isAddress(asked.new_admin_url) && asked.new_database.trim() !== "");
}

function useCheck(body: Record<string, unknown>, isReady: boolean, attempt: number) {
  const [state, setState] = useState<{ of: string; found?: Checked; error?: unknown }>({ of: "" });
  const key = JSON.stringify([body, attempt]);
  useEffect(() => {
    if (!isReady) return;
    let isOld = false;
    const timer = setTimeout(() => {
      post<Checked>("/api/managed/check", body).then(
        (found) => !isOld && setState({ of: key, found }),
        (error: unknown) => !isOld && setState({ of: key, error }),
      );
    }, PAUSE_MS);
    return () => {
      isOld = true;
      clearTimeout(timer);
    };
  }, [key, isReady]);
  return { ...state, isChecking: isReady && state.of !== key };
}

export function Connect({ onDone, onClose }: { onDone: () => void; onClose: () => void }) {
  const [asked, setAsked] = useState(EMPTY);
  const [attempt, setAttempt] = useState(0);
  const [left, setLeft] = useState<ReadonlySet<string>>(new Set());
  const [ignored, setIgnored] = useState<ReadonlySet<string>>(new Set());
  const [redacted, setRedacted] = useState<ReadonlySet<string>>(new Set());
  const [place, setPlace] = useState<Place>("here");
  const [takesOver, setTakesOver] = useState(false);
  const { failed, isBusy, run } = useAction(onDone);
  const body = bodyOf(asked, place, takesOver);
  const isReady = canLook(asked, place);
  const { found, error, isChecking } = useCheck(body, isReady, attempt);
  const start = () =>
    post("/api/managed", {
      ...body,
      exclude: [...left],
      ignore_columns: [...ignored],
      redact_columns: [...redacted],
    });
  const field = (name: keyof Asked) => ({
    class: "input mono",
    name,
    autocomplete: "off",
    spellcheck: false,
    value: asked[name],
    onInput: (event: { currentTarget: HTMLInputElement }) =>
      setAsked({ ...asked, [name]: event.currentTarget.value }),
  });
  const canStart = isReady && found !== undefined && error === undefined && !isChecking && found.good;
  return (
    <section class="card" aria-label="Connect a database">
      <header>
        <h2>Connect a database</h2>
        <span class="spacer" />
        <button type="button" class="button quiet icon small" aria-label="Close" onClick={onClose}>
          <Icon name="close" />
        </button>
      </header>
      <div class="body stack connect">
        <label>
          <span>Its address, as the role that reads it</span>
          <input {...field("url")} placeholder="postgresql://bemi:password@db.example.org/shop" autofocus />
        </label>
        <div class="connect-more">
          <label>
            <span>Name here</span>
            <input {...field("name")} placeholder={found?.name ?? "the database's"} />
          </label>
          <label>
            <span>As a role that owns the tables, to prepare it now; kept nowhere</span>
            <input {...field("admin_url")} placeholder="none: the role above may" />
          </label>
          <label>
            <span>As a role that may write, for undoing</span>
            <input {...field("revert_url")} placeholder="none: nothing is undone from here" />
          </label>
        </div>
        <div class="stack destination">
          <div class="row wrap">
            <span class="label">Its changes go into</span>
            <div class="segmented" role="group" aria-label="Where its history goes">
              {PLACES.map(([id, title]) => (
                <button type="button" key={id} aria-pressed={place === id} onClick={() => setPlace(id)}>
                  {title}
                </button>
              ))}
            </div>
          </div>
          {place === "there" && (
            <label>
              <span>The database that keeps it</span>
              <input
                {...field("destination_url")}
                placeholder="postgresql://bemi:password@audit.example.org/history"
              />
            </label>
          )}
          {place === "new" && (
            <div class="connect-more">
              <label>
                <span>That server, as a role that may make databases and roles; kept nowhere</span>
                <input
                  {...field("new_admin_url")}
                  placeholder="postgresql://admin:password@audit.example.org/postgres"
                />
              </label>
              <label>
                <span>Name of the new database</span>
                <input {...field("new_database")} placeholder="history" />
              </label>
              <label>
                <span>Name of the new role; its password is made</span>
                <input {...field("new_role")} placeholder={asked.new_database.trim() || "as the database"} />
              </label>
              <label class="check">
                <input
                  type="checkbox"
                  checked={takesOver}
                  onChange={(event) => setTakesOver(event.currentTarget.checked)}
                />{" "}
                Use what is there already by these names
              </label>
            </div>
          )}
          <label class="retention">
            <span>Changes are kept for</span>
            <input {...field("retention")} placeholder="ever; or 90d, or todo=30d, 2 years" />
          </label>
        </div>
        {!isAddress(asked.url) && (
          <p class="muted">
            Bemi looks whether the database is ready while you type, and says exactly what is not. Nothing is
            changed before you start.
          </p>
        )}
        {isChecking && <p class="muted">Looking…</p>}
        {!isChecking && error !== undefined && <FailedNotice error={error} />}
        {found && error === undefined && (
          <div class={`stack ${isChecking ? "is-stale" : ""}`}>
            <Findings title={`Source: ${found.place}`} findings={found.source} />
            <Findings title="Destination" findings={found.destination} />
            {found.steps.length > 0 && <Steps steps={found.steps} />}
            <Choose
              tables={found.tables}
              left={left}
              setLeft={setLeft}
              ignored={ignored}
              setIgnored={setIgnored}
              redacted={redacted}
              setRedacted={setRedacted}
            />
          </div>
        )}
        {failed !== undefined && <FailedNotice error={failed} />}
        <div class="row wrap">
          <button
            type="button"
            class="button primary"
            disabled={!canStart || isBusy}
            onClick={() => void run(start)}
          >
            {isBusy ? "Starting…" : "Start tracking"}
          </button>
          {found && (
            <button
              type="button"
              class="button"
              disabled={isChecking}
              onClick={() => setAttempt(attempt + 1)}
            >
              Check again
            </button>
          )}
          {found && !found.good && (
            <span class="muted">Fix what stands in red first, or give a role that may prepare it.</span>
          )}
        </div>
      </div>
    </section>
  );
}

const TONES = { ok: "good", info: "none", warning: "warn", error: "bad" } as const;
const ORDER = ["error", "warning", "info", "ok"];

function Steps({ steps }: { steps: Checked["steps"] }) {
  return (
    <details class="steps">
      <summary class="row">
        <Icon name="right" size={14} />
        <h3>
          Starting does this on the source, in {count(steps.length)} {steps.length === 1 ? "step" : "steps"}
        </h3>
      </summary>
      <pre class="sql" tabIndex={0}>
        {steps.map(({ what, sql }) => `-- ${what}\n${sql};`).join("\n\n")}
      </pre>
    </details>
  );
}

function Findings({ title, findings }: { title: string; findings: Finding[] }) {
  const [isAll, setAll] = useState(false);
  const sorted = [...findings].sort((a, b) => ORDER.indexOf(a.severity) - ORDER.indexOf(b.severity));
  const isFine = ({ severity, prepared }: Finding) => severity === "ok" || prepared;
  const fine = sorted.filter(isFine).length;
  const shown = isAll ? sorted : sorted.filter((finding) => !isFine(finding));
  return (
    <div>
      <h3>{title}</h3>
      <ul class="findings">
        {shown.map((finding) => (
          <li key={`${finding.subject}/${finding.what}`}>
            <span class={`badge ${finding.prepared ? "none" : TONES[finding.severity]}`}>
              {finding.prepared ? "to do" : finding.severity}
            </span>
            <div class="stack">
              <p>
                <strong>{finding.subject}</strong>: {finding.what}
              </p>
              {finding.fix !== "" && !finding.prepared && (
                <div class="row fix">
                  <pre class="sql">{finding.fix}</pre>
                  <button
                    type="button"
                    class="button quiet icon small"
                    aria-label={`Copy the fix of ${finding.subject}`}
                    title="Copy"
                    onClick={() => copy(finding.fix, "Fix")}
                  >
                    <Icon name="copy" size={14} />
                  </button>
                </div>
              )}
            </div>
          </li>
        ))}
      </ul>
      {fine > 0 && (
        <button type="button" class="text-link" aria-expanded={isAll} onClick={() => setAll(!isAll)}>
          {isAll
            ? "Only what is not fine"
            : `${count(fine)} ${fine === 1 ? "point is" : "points are"} fine, or will be`}
        </button>
      )}
    </div>
  );
}

/** As the flags take it: * and ? are patterns there. */
const pattern = (...names: string[]) => names.map((name) => name.replace(/[*?\\]/g, "?")).join(".");

function toggled(set: ReadonlySet<string>, value: string): ReadonlySet<string> {
  const next = new Set(set);
  if (!next.delete(value)) next.add(value);
  return next;
}

function Choose(props: {
  tables: Candidate[];
  left: ReadonlySet<string>;
  setLeft: (left: ReadonlySet<string>) => void;
  ignored: ReadonlySet<string>;
  setIgnored: (ignored: ReadonlySet<string>) => void;
  redacted: ReadonlySet<string>;
  setRedacted: (redacted: ReadonlySet<string>) => void;
}) {
  const tracked = props.tables.filter(({ tracked: is }) => is);
  if (tracked.length === 0)
    return (
      <Notice>There is no table to track yet; those that are made later are tracked as they come.</Notice>
    );
  const chosen = tracked.filter(({ schema, table }) => !props.left.has(pattern(schema, table)));
  return (
    <div>
      <h3>
        {count(chosen.length)} of {count(tracked.length)} tables are tracked, and those that are made later
      </h3>
      <div class="choose">
        {tracked.map(({ schema, table, bytes: size, columns }) => {
          const id = pattern(schema, table);
          const isOn = !props.left.has(id);
          return (
            <div class="choose-line" key={id}>
              <input
                type="checkbox"
                aria-label={`Track ${schema}.${table}`}
                checked={isOn}
                onChange={() => props.setLeft(toggled(props.left, id))}
              />
              <details>
                <summary>
                  <span class="ellipsis">
                    {schema === "public" ? "" : `${schema}.`}
                    {table}
                  </span>
                  <span class="spacer" />
                  <span class="muted number">{bytes(size)}</span>
                  <Icon name="down" size={13} />
                </summary>
                <p class="muted">A change in these columns alone is not recorded:</p>
                <Columns
                  names={columns.map((column) => [column, pattern(schema, table, column)])}
                  chosen={props.ignored}
                  choose={props.setIgnored}
                  isOff={!isOn}
                />
                <p class="muted">What stands in these is never stored:</p>
                <Columns
                  names={columns.map((column) => [column, pattern(schema, table, column)])}
                  chosen={props.redacted}
                  choose={props.setRedacted}
                  isOff={!isOn}
                />
              </details>
            </div>
          );
        })}
      </div>
    </div>
  );
}

function Columns(props: {
  names: [string, string][];
  chosen: ReadonlySet<string>;
  choose: (chosen: ReadonlySet<string>) => void;
  isOff: boolean;
}) {
  return (
    <div class="row wrap">
      {props.names.map(([column, name]) => (
        <button
          type="button"
          key={name}
          class="button small"
          aria-pressed={props.chosen.has(name)}
          disabled={props.isOff}
          onClick={() => props.choose(toggled(props.chosen, name))}
        >
          {column}
        </button>
      ))}
    </div>
  );
}
