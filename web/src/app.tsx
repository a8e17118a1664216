// SPDX-License-Identifier: LGPL-3.0-or-later
// The frame around all screens: sign-in, navigation, keyboard, theme.
import type { ComponentType } from "preact";
import { useEffect, useErrorBoundary, useState } from "preact/hooks";
import { currentSession, Problem, remove, type Session, signIn, whenSignedOut } from "./api.ts";
import { Icon, type IconName } from "./icons.tsx";
import { Empty, Failed } from "./parts/basics.tsx";
import { followLinks, go, path } from "./router.ts";
import { Activity, OneActivity } from "./screens/activity.tsx";
import { ApiDocs } from "./screens/api_docs.tsx";
import { Changes } from "./screens/changes.tsx";
import { OneChange } from "./screens/one_change.tsx";
import { Record } from "./screens/record.tsx";
import { Settings } from "./screens/settings.tsx";
import { Sources } from "./screens/sources.tsx";
import { TimeTravel } from "./screens/time_travel.tsx";
import { Trends } from "./screens/trends.tsx";
import { Undo } from "./screens/undo.tsx";
import { SignIn } from "./sign_in.tsx";
import {
  loadContextKeys,
  loadSources,
  loadTables,
  session,
  setTheme,
  sources,
  sourcesFailed,
  theme,
  toast,
} from "./state.ts";
import { loadViews } from "./views.ts";

interface Screen {
  path: string;
  name: string;
  icon: IconName;
  key: string;
  screen: ComponentType;
}

const SCREENS: Screen[] = [
  { path: "/changes", name: "Changes", icon: "changes", key: "c", screen: Changes },
  { path: "/activity", name: "Activity", icon: "activity", key: "a", screen: Activity },
  { path: "/record", name: "Record", icon: "record", key: "r", screen: Record },
  { path: "/time-travel", name: "Time travel", icon: "past", key: "t", screen: TimeTravel },
  { path: "/undo", name: "Undo", icon: "undo", key: "u", screen: Undo },
  { path: "/trends", name: "Trends", icon: "trends", key: "d", screen: Trends },
  { path: "/sources", name: "Sources", icon: "sources", key: "s", screen: Sources },
  { path: "/settings", name: "Settings", icon: "settings", key: "e", screen: Settings },
  { path: "/api", name: "API", icon: "api", key: "p", screen: ApiDocs },
];

const SOURCES_PAUSE_MS = 10_000;

/** #token=… of the address that Bemi prints; a browser sends it to nobody. */
function tokenOfAddress(): string | null {
  const token = new URLSearchParams(location.hash.slice(1)).get("token");
  if (token !== null) history.replaceState(null, "", location.pathname + location.search);
  return token;
}

async function begin(): Promise<Session> {
  const token = tokenOfAddress();
  return token === null ? currentSession() : signIn({ token });
}

export function App() {
  const [state, setState] = useState<"loading" | "out" | "in" | { error: unknown }>("loading");
  const start = () => {
    setState("loading");
    begin().then(enter, (error: unknown) =>
      setState(error instanceof Problem && error.status === 401 ? "out" : { error }),
    );
  };
  const enter = (entered: Session) => {
    session.value = entered;
    setState("in");
    void loadTables().catch(() => {});
    void loadContextKeys().catch(() => {});
    void loadViews();
  };
  useEffect(() => {
    whenSignedOut(() => setState("out"));
    start();
    document.addEventListener("click", followLinks);
    // A printed address opened in a page that is already here.
    window.addEventListener("hashchange", () => location.hash.startsWith("#token=") && start());
  }, []);
  if (state === "loading") return null;
  if (state === "out") return <SignIn onDone={enter} />;
  if (state !== "in") return <Failed error={state.error} retry={start} />;
  return <Shell />;
}

function Shell() {
  const here = path.value;
  const current = SCREENS.find((screen) => here === screen.path || here.startsWith(`${screen.path}/`));
  const [isHelpOpen, setHelpOpen] = useState(false);
  useShortcuts(() => setHelpOpen((before) => !before));
  useEffect(() => {
    if (here === "/") go("/changes", {}, "replace");
    document.title = current ? `${current.name} · Bemi` : "Bemi";
  }, [here]);
  useEffect(() => {
    const load = () => document.visibilityState === "visible" && void loadSources();
    load();
    const timer = setInterval(load, SOURCES_PAUSE_MS);
    return () => clearInterval(timer);
  }, []);
  return (
    <div class="shell">
      <Sidebar here={here} onHelp={() => setHelpOpen(true)} />
      <main class="main" id="main">
        <CurrentScreen here={here} />
      </main>
      {isHelpOpen && <Help onClose={() => setHelpOpen(false)} />}
      {toast.value !== "" && (
        <div class="toast" role="status">
          {toast.value}
        </div>
      )}
    </div>
  );
}

function CurrentScreen({ here }: { here: string }) {
  const [error, reset] = useErrorBoundary();
  useEffect(() => reset(), [here]);
  if (error !== undefined) return <Failed error={error} retry={reset} />;
  if (here === "/") return null;
  if (here === "/activity/one") return <OneActivity />;
  if (here.startsWith("/change/")) return <OneChange id={here.slice("/change/".length)} />;
  const current = SCREENS.find((screen) => here === screen.path);
  if (current) return <current.screen />;
  return (
    <Empty icon="search" title="There is nothing here">
      <div class="row">
        <a class="button" href="/changes">
          To the changes
        </a>
      </div>
    </Empty>
  );
}

function Sidebar({ here, onHelp }: { here: string; onHelp: () => void }) {
  return (
    <nav class="sidebar" aria-label="Screens">
      <a class="brand" href="/changes">
        <img src="/icon.svg" alt="" />
        Bemi
      </a>
      <div class="nav">
        {SCREENS.map((screen) => (
          <a
            key={screen.path}
            class={screen.path === "/api" || screen.path === "/settings" ? "minor" : ""}
            href={screen.path}
            aria-current={here.startsWith(screen.path) ? "page" : undefined}
            title={`${screen.name} (g ${screen.key})`}
          >
            <Icon name={screen.icon} />
            <span class="name">{screen.name}</span>
          </a>
        ))}
      </div>
      <div class="sidebar-foot">
        <SourceLines />
        <div class="row">
          <span
            class="muted"
            style={{ fontSize: "12px" }}
            title={`Signed in as ${session.value?.name} (${session.value?.role})`}
          >
            v{session.value?.version}
          </span>
          <span class="spacer" />
          <ThemeMenu />
          <button
            type="button"
            class="button quiet icon small"
            title="Keyboard shortcuts (?)"
            aria-label="Keyboard shortcuts"
            onClick={onHelp}
          >
            <Icon name="help" />
          </button>
        </div>
      </div>
    </nav>
  );
}

function SourceLines() {
  if (sourcesFailed.value !== "") {
    return (
      <a class="source-line" href="/sources" title={sourcesFailed.value}>
        <span class="dot bad" /> Cannot be reached
      </a>
    );
  }
  return (
    <>
      {(sources.value ?? []).slice(0, 3).map((source) => {
        const isLate = (source.progress_age_seconds ?? 0) > 180 || (source.lag_bytes ?? 0) > 64e6;
        const tone =
          source.open_gaps > 0 || source.slot_there === false
            ? "bad"
            : isLate || source.slot_active === false
              ? "warn"
              : "good";
        const name = { good: "Up to date", warn: "Behind", bad: "Needs a look" }[tone];
        return (
          <a class="source-line" href="/sources" key={source.source}>
            <span class={`dot ${tone}`} />
            <span class="ellipsis">{source.source}</span>
            <span class="spacer" />
            <span class="muted" style={{ whiteSpace: "nowrap" }}>
              {name}
            </span>
          </a>
        );
      })}
    </>
  );
}

function ThemeMenu() {
  const icons = { light: "sun", dark: "moon", auto: "auto" } as const;
  const next = { auto: "light", light: "dark", dark: "auto" } as const;
  return (
    <>
      <button
        type="button"
        class="button quiet icon small"
        title={`Theme: ${theme.value}`}
        aria-label={`Theme: ${theme.value}`}
        onClick={() => setTheme(next[theme.value])}
      >
        <Icon name={icons[theme.value]} />
      </button>
      <button
        type="button"
        class="button quiet icon small"
        title="Sign out"
        aria-label="Sign out"
        onClick={() => void remove("/api/session").finally(() => location.assign("/"))}
      >
        <Icon name="exit" />
      </button>
    </>
  );
}

const KEYS: [string[], string][] = [
  [["/"], "Type a filter"],
  [["j", "k"], "Next, previous change"],
  [["Enter"], "Show what changed"],
  [["l"], "Follow new changes, or pause"],
  [["←", "→"], "Earlier, later version of a record"],
  ...SCREENS.map(({ key, name }): [string[], string] => [["g", key], name]),
  [["?"], "These shortcuts"],
];

function Help({ onClose }: { onClose: () => void }) {
  return (
    <div class="dialog-back" onClick={(event) => event.target === event.currentTarget && onClose()}>
      <div
        class="dialog"
        role="dialog"
        aria-modal="true"
        aria-label="Keyboard shortcuts"
        onKeyDown={(event) => event.key === "Escape" && onClose()}
      >
        <div class="row">
          <h2>Keyboard shortcuts</h2>
          <span class="spacer" />
          <button
            type="button"
            class="button quiet icon small"
            aria-label="Close"
            onClick={onClose}
            ref={(button) => button?.focus()}
          >
            <Icon name="close" />
          </button>
        </div>
        <div class="keys">
          {KEYS.map(([keys, name]) => (
            <>
              <span class="row" style={{ gap: "4px" }}>
                {keys.map((key) => (
                  <kbd key={key}>{key}</kbd>
                ))}
              </span>
              <span>{name}</span>
            </>
          ))}
        </div>
      </div>
    </div>
  );
}

function useShortcuts(onHelp: () => void): void {
  useEffect(() => {
    let isGoing = false;
    const onKey = (event: KeyboardEvent) => {
      const target = event.target as HTMLElement;
      if (event.metaKey || event.ctrlKey || event.altKey || target.closest("input, select, textarea")) return;
      const wasGoing = isGoing;
      isGoing = event.key === "g";
      if (wasGoing) {
        const screen = SCREENS.find(({ key }) => key === event.key);
        if (screen) go(screen.path);
      } else if (event.key === "/") {
        document.getElementById("filter")?.focus();
        event.preventDefault();
      } else if (event.key === "?") {
        onHelp();
      } else if (event.key === "l") {
        document.getElementById("live")?.click();
      }
    };
    document.addEventListener("keydown", onKey);
    return () => document.removeEventListener("keydown", onKey);
  }, []);
}
