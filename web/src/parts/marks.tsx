// SPDX-License-Identifier: LGPL-3.0-or-later
// Marks: named states to go back to, and forward again.
import { useState } from "preact/hooks";
import { get, post, remove } from "../api.ts";
import { Icon } from "../icons.tsx";
import { link } from "../router.ts";
import { Done, type Outcome } from "../screens/undo.tsx";
import { session } from "../state.ts";
import { count, shortTime } from "../time.ts";
import { Empty, Failed, FailedNotice, Skeleton, useAction, useLoad } from "./basics.tsx";

interface Mark {
  name: string;
  source: string;
  at: string;
  changes_since: string;
  tables: string | null;
  protected: string;
  comment: string | null;
}

export function Marks() {
  const [version, setVersion] = useState(0);
  const { value, error, retry } = useLoad(`marks ${version}`, (signal) =>
    get<{ marks: Mark[] }>("/api/marks", {}, signal),
  );
  const [chosen, setChosen] = useState<Mark | null>(null);
  const [done, setDone] = useState<Outcome | null>(null);
  const { failed, isBusy, run } = useAction(() => {
    setChosen(null);
    setVersion((number) => number + 1);
  });
  const move = (path: string, name: string) =>
    void run(async () => setDone(await post<Outcome>(path, { name })));
  const mayChange = session.value?.role !== "viewer";
  return (
    <div class="stack">
      {done && <Done outcome={done} />}
      {failed !== undefined && <FailedNotice error={failed} />}
      {mayChange && (
        <NewMark
          isBusy={isBusy}
          onCreate={(name, comment) => void run(() => post("/api/marks", { name, comment }))}
        />
      )}
      {error !== undefined ? (
        <Failed error={error} retry={retry} />
      ) : !value ? (
        <Skeleton lines={4} height={26} />
      ) : value.marks.length === 0 ? (
        <Empty icon="flag" title="No marks yet">
          <p>
            A mark names the state of the database now. It costs next to nothing to set, and later takes all
            tables back to it.
          </p>
        </Empty>
      ) : (
        <section class="card" aria-label="Marks">
          {value.marks.map((mark) => (
            <div class="mark-line" key={`${mark.source}/${mark.name}`}>
              <Icon name="flag" size={15} />
              <span class="mark-name">
                <strong class="ellipsis">{mark.name}</strong>
                <span class="muted ellipsis">
                  {mark.comment ??
                    `${mark.source}, ${shortTime(mark.at.replace(" ", "T").replace(/\+00$/, "Z"))}`}
                </span>
              </span>
              <span class="muted ellipsis" title={mark.tables ?? ""}>
                {count(Number(mark.changes_since))} changes since
              </span>
              {mark.protected === "yes" && <span class="badge none">protected</span>}
              <span class="spacer" />
              {mayChange && (
                <span class="row">
                  <button
                    type="button"
                    class="button small"
                    disabled={isBusy}
                    onClick={() => setChosen(mark)}
                  >
                    Go back to it…
                  </button>
                  <button
                    type="button"
                    class="button small"
                    disabled={isBusy}
                    onClick={() => move("/api/marks/forward", mark.name)}
                  >
                    Forward again
                  </button>
                  <button
                    type="button"
                    class="button quiet icon small"
                    aria-label={`Delete the mark ${mark.name}`}
                    disabled={isBusy}
                    onClick={() => void run(() => remove(`/api/marks/${encodeURIComponent(mark.name)}`))}
                  >
                    <Icon name="close" size={14} />
                  </button>
                </span>
              )}
              {chosen === mark && (
                <ConfirmBack
                  mark={mark}
                  isBusy={isBusy}
                  onCancel={() => setChosen(null)}
                  onApply={() => move("/api/marks/rollback", mark.name)}
                />
              )}
            </div>
          ))}
        </section>
      )}
      <p class="muted">
        Before a risky step, set a mark; after it, compare in{" "}
        <a class="text-link" href={link("/time-travel", { view: "diff" })}>
          Time travel
        </a>
        .
      </p>
    </div>
  );
}

function NewMark({
  isBusy,
  onCreate,
}: {
  isBusy: boolean;
  onCreate: (name: string, comment: string) => void;
}) {
  return (
    <form
      class="card confirm"
      aria-label="New mark"
      onSubmit={(event) => {
        event.preventDefault();
        const data = new FormData(event.currentTarget);
        onCreate(String(data.get("name") ?? "").trim(), String(data.get("comment") ?? "").trim());
        event.currentTarget.reset();
      }}
    >
      <div class="row wrap confirm-fields">
        <label>
          <span>Name</span>
          <input class="input" name="name" required autocomplete="off" placeholder="before-import" />
        </label>
        <label class="reason">
          <span>What for</span>
          <input class="input" name="comment" autocomplete="off" />
        </label>
        <button type="submit" class="button primary" disabled={isBusy}>
          Mark this state
        </button>
      </div>
    </form>
  );
}

function ConfirmBack({
  mark,
  isBusy,
  onCancel,
  onApply,
}: {
  mark: Mark;
  isBusy: boolean;
  onCancel: () => void;
  onApply: () => void;
}) {
  const [typed, setTyped] = useState("");
  return (
    <form
      class="mark-confirm"
      onSubmit={(event) => {
        event.preventDefault();
        if (typed === mark.name) onApply();
      }}
    >
      <label class="row">
        <span>
          All tables go back to <strong>{mark.name}</strong>: {count(Number(mark.changes_since))} changes are
          undone. Type its name
        </span>
        <input
          class="input mono"
          value={typed}
          onInput={(event) => setTyped(event.currentTarget.value)}
          autocomplete="off"
          autofocus
        />
      </label>
      <button type="submit" class="button danger small" disabled={typed !== mark.name || isBusy}>
        {isBusy ? "Going back…" : "Go back"}
      </button>
      <button type="button" class="button quiet small" onClick={onCancel}>
        Cancel
      </button>
    </form>
  );
}
