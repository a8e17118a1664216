// SPDX-License-Identifier: LGPL-3.0-or-later
// Sources whose workers this server runs: start, pause, remove, and their logs.
import { useEffect, useState } from "preact/hooks";
import { type Answer, get } from "../../api.ts";
import { FailedNotice, Notice } from "../../components/states.tsx";
import { useAction } from "../../components/use_action.ts";
import { loadTables, managedNames, session, sources } from "../../state.ts";
import { Connect } from "../connect/connect.tsx";
import { ManagedLine } from "./managed_line.tsx";

const LOOK_MS = 2000;

export function ManagedSources() {
  const [found, setFound] = useState<Answer<"/api/managed", "get"> | null>(null);
  const [isConnecting, setConnecting] = useState(false);
  const look = () =>
    get("/api/managed").then(
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
  const onConnected = () => {
    setConnecting(false);
    void look();
    void loadTables().catch(() => {});
  };
  if (found === null) return null;
  if (!found.managing) return sources.value?.length === 0 ? <NotManaging /> : null;
  const isAdmin = session.value?.role === "admin";
  return (
    <>
      {failed !== undefined && <FailedNotice error={failed} />}
      {isConnecting && <Connect onClose={() => setConnecting(false)} onDone={onConnected} />}
      {isAdmin && !isConnecting && (
        <div class="row">
          <button type="button" class="button primary" onClick={() => setConnecting(true)}>
            Connect a database
          </button>
        </div>
      )}
      {found.sources.length > 0 && (
        <section class="card" aria-label="Managed sources">
          <header>
            <h2>Managed sources</h2>
            <span class="muted">one worker each</span>
          </header>
          <div>
            {found.sources.map((source) => (
              <ManagedLine key={source.name} source={source} isBusy={isBusy || !isAdmin} run={run} />
            ))}
          </div>
        </section>
      )}
    </>
  );
}

function NotManaging() {
  return (
    <Notice kind="info">
      To connect databases from this page, set BEMI_SECRET_KEY and restart <code>bemi serve</code>.
    </Notice>
  );
}
