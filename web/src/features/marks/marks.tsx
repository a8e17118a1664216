// SPDX-License-Identifier: LGPL-3.0-or-later
// Marks: named states of a database, to go back to and forward again.
import { useState } from "preact/hooks";
import { get, type Mark, type Outcome, post, remove } from "../../api.ts";
import { Icon } from "../../components/icons.tsx";
import { RemoveButton } from "../../components/remove_button.tsx";
import { Empty, Failed, FailedNotice, Skeleton } from "../../components/states.tsx";
import { useAction } from "../../components/use_action.ts";
import { useLoad } from "../../components/use_load.ts";
import { link } from "../../router.ts";
import { session } from "../../state.ts";
import { plural, shortTime } from "../../time.ts";
import { Done } from "../undo/outcome.tsx";
import { ConfirmBack, NewMark } from "./mark_forms.tsx";

/** The actions on a mark. */
interface Actions {
  isBusy: boolean;
  rollback: (name: string) => void;
  forward: (name: string) => void;
  remove: (name: string) => void;
}

export function Marks() {
  const [version, setVersion] = useState(0);
  const { value, error, retry } = useLoad(`marks ${version}`, (signal) => get("/api/marks", {}, signal));
  const [done, setDone] = useState<Outcome | null>(null);
  const { failed, isBusy, run } = useAction(() => setVersion((number) => number + 1));
  const actions: Actions = {
    isBusy,
    rollback: (name) => void run(async () => setDone(await post("/api/marks/rollback", { name }))),
    forward: (name) => void run(async () => setDone(await post("/api/marks/forward", { name }))),
    remove: (name) => void run(() => remove("/api/marks/{name}", { name })),
  };
  return (
    <div class="stack">
      {done && <Done outcome={done} />}
      {failed !== undefined && <FailedNotice error={failed} />}
      {session.value?.role !== "viewer" && (
        <NewMark
          isBusy={isBusy}
          onCreate={(name, comment) => void run(() => post("/api/marks", { name, comment }))}
        />
      )}
      {error !== undefined ? (
        <Failed error={error} retry={retry} />
      ) : !value ? (
        <Skeleton lines={4} height={26} />
      ) : (
        <MarkList marks={value.marks} version={version} actions={actions} />
      )}
      <p class="muted">
        Create a mark before a risky step. Afterwards, compare the tables in{" "}
        <a class="text-link" href={link("/time-travel", { view: "diff" })}>
          Time travel
        </a>
        .
      </p>
    </div>
  );
}

function MarkList({ marks, version, actions }: { marks: Mark[]; version: number; actions: Actions }) {
  if (marks.length === 0) {
    return (
      <Empty icon="flag" title="No marks yet">
        <p>
          A mark names the current state of the database. Later it can take all tables back to that state.
        </p>
      </Empty>
    );
  }
  return (
    <section class="card" aria-label="Marks">
      {marks.map((mark) => (
        <MarkLine key={`${mark.source}/${mark.name}/${version}`} mark={mark} actions={actions} />
      ))}
    </section>
  );
}

/** PostgreSQL's text of a time, as a Date reads it. */
const isoTime = (text: string) => text.replace(" ", "T").replace(/\+00$/, "Z");

function MarkLine({ mark, actions }: { mark: Mark; actions: Actions }) {
  const [isConfirming, setConfirming] = useState(false);
  const { isBusy } = actions;
  return (
    <div class="mark-line">
      <Icon name="flag" size={15} />
      <span class="mark-name">
        <strong class="ellipsis">{mark.name}</strong>
        <span class="muted ellipsis">{mark.comment ?? `${mark.source}, ${shortTime(isoTime(mark.at))}`}</span>
      </span>
      <span class="muted ellipsis" title={mark.tables ?? ""}>
        {plural(Number(mark.changes_since), "change")} since
      </span>
      {mark.protected === "yes" && <span class="badge none">protected</span>}
      <span class="spacer" />
      {session.value?.role !== "viewer" && (
        <span class="row">
          <button type="button" class="button small" disabled={isBusy} onClick={() => setConfirming(true)}>
            Roll back…
          </button>
          <button
            type="button"
            class="button small"
            disabled={isBusy}
            onClick={() => actions.forward(mark.name)}
          >
            Undo the rollback
          </button>
          <RemoveButton name={mark.name} disabled={isBusy} onRemove={() => actions.remove(mark.name)} />
        </span>
      )}
      {isConfirming && (
        <ConfirmBack
          mark={mark}
          isBusy={isBusy}
          onCancel={() => setConfirming(false)}
          onApply={() => actions.rollback(mark.name)}
        />
      )}
    </div>
  );
}
