// SPDX-License-Identifier: LGPL-3.0-or-later
// Sources: the health of each database's history, and its context coverage.
import { useEffect } from "preact/hooks";
import { Empty, Failed, Skeleton } from "../components/states.tsx";
import { ManagedSources } from "../features/managed/managed.tsx";
import { ContextCoverage } from "../features/sources/coverage.tsx";
import { SourceCard } from "../features/sources/source_card.tsx";
import { loadSources, managedNames, SAMPLE_MS, sources, sourcesFailed } from "../state.ts";

export function Sources() {
  useEffect(() => {
    const load = () => document.visibilityState === "visible" && void loadSources();
    const timer = setInterval(load, SAMPLE_MS);
    void loadSources();
    return () => clearInterval(timer);
  }, []);
  return (
    <>
      <header class="page-head">
        <h1>Sources</h1>
      </header>
      <SourceList />
    </>
  );
}

function SourceList() {
  const known = sources.value;
  if (known === null && sourcesFailed.value !== "") {
    return <Failed error={new Error(sourcesFailed.value)} retry={() => void loadSources()} />;
  }
  if (known === null) return <Skeleton lines={8} height={26} />;
  return (
    <div class="stack">
      <ManagedSources />
      {known.map((source) => (
        <SourceCard key={source.source} source={source} />
      ))}
      {known.length > 0 && <ContextCoverage />}
      {known.length === 0 && managedNames.value.size === 0 && (
        <Empty icon="sources" title="No sources yet">
          <p>
            Connect a database on this page, or start a worker: <code>bemi run --source postgresql://…</code>
          </p>
        </Empty>
      )}
    </div>
  );
}
