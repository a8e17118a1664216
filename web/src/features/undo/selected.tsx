// SPDX-License-Identifier: LGPL-3.0-or-later
// The changes that an undo selects.
import { get } from "../../api.ts";
import { Empty, Failed, Skeleton } from "../../components/states.tsx";
import { useLoad } from "../../components/use_load.ts";
import { plural } from "../../time.ts";
import { ChangeLines } from "../change/change_line.tsx";
import type { Selection } from "../filter/selection.ts";

const SHOWN = 20;

export function Selected({ parameters }: { parameters: Selection }) {
  const asked: Selection = [...parameters, ["limit", String(SHOWN)]];
  const { value, error, retry } = useLoad(JSON.stringify(parameters), (signal) =>
    get("/api/changes", asked, signal),
  );
  if (error !== undefined) return <Failed error={error} retry={retry} />;
  if (!value) return <Skeleton lines={5} height={26} />;
  if (value.changes.length === 0) return <Empty icon="search" title="No matching changes" />;
  return (
    <section class="card" aria-label="Selected changes">
      <header>
        <h2>Selected changes</h2>
        <span class="muted">
          {value.next === null ? plural(value.changes.length, "change") : `the newest ${SHOWN}, and more`}
        </span>
      </header>
      <ChangeLines changes={value.changes} />
    </section>
  );
}
