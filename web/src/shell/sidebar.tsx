// SPDX-License-Identifier: LGPL-3.0-or-later
// The navigation, with the health of the sources.

import { remove } from "../api.ts";
import { Icon } from "../components/icons.tsx";
import { HEALTH, TONES } from "../features/sources/verdicts.ts";
import { session, setTheme, sources, sourcesFailed, theme } from "../state.ts";
import { SCREENS } from "./screens.ts";

/** The sidebar has room for so many sources. */
const SHOWN = 3;

export function Sidebar({ here, onHelp }: { here: string; onHelp: () => void }) {
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
        <span class="dot bad" /> Server unreachable
      </a>
    );
  }
  return (
    <>
      {(sources.value ?? []).slice(0, SHOWN).map((source) => {
        const { level, sentence } = source.health;
        return (
          <a class="source-line" href="/sources" key={source.source} title={sentence}>
            <span class={`dot ${TONES[level]}`} />
            <span class="ellipsis">{source.source}</span>
            <span class="spacer" />
            <span class="muted health">{HEALTH[level]}</span>
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
