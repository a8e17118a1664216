// SPDX-License-Identifier: LGPL-3.0-or-later
// The application: signs in, then shows the shell.

import { useEffect, useState } from "preact/hooks";
import { currentSession, Problem, type Session, signIn, whenSignedOut } from "./api.ts";
import { Failed } from "./components/states.tsx";
import { loadViews } from "./features/views/views.ts";
import { followLinks } from "./router.ts";
import { SignIn } from "./screens/sign_in.tsx";
import { Shell } from "./shell/shell.tsx";
import { loadContextKeys, loadTables, session } from "./state.ts";

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
