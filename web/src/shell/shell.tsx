// SPDX-License-Identifier: LGPL-3.0-or-later
// The frame around all screens.

import { useEffect, useErrorBoundary, useState } from "preact/hooks";
import { Empty, Failed } from "../components/states.tsx";
import { OneActivity } from "../features/activity/one_activity.tsx";
import { go, path } from "../router.ts";
import { OneChange } from "../screens/one_change.tsx";
import { loadSources, toast } from "../state.ts";
import { Help, useShortcuts } from "./help.tsx";
import { SCREENS } from "./screens.ts";
import { Sidebar } from "./sidebar.tsx";

const SOURCES_PAUSE_MS = 10_000;

export function Shell() {
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
      <a class="skip-link button" href="#main">
        Skip to the content
      </a>
      <Sidebar here={here} onHelp={() => setHelpOpen(true)} />
      <main class="main" id="main" tabIndex={-1}>
        <CurrentScreen here={here} />
      </main>
      {isHelpOpen && <Help onClose={() => setHelpOpen(false)} />}
      <div class={toast.value === "" ? "visually-hidden" : "toast"} role="status">
        {toast.value}
      </div>
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
    <Empty icon="search" title="Page not found">
      <div class="row">
        <a class="button" href="/changes">
          Show changes
        </a>
      </div>
    </Empty>
  );
}
