// SPDX-License-Identifier: LGPL-3.0-or-later
// Undo: select changes, see the plan and its conflicts, confirm, see the outcome.

import { useMemo } from "preact/hooks";
import { Choice, type Option } from "../components/choice.tsx";
import { Icon } from "../components/icons.tsx";
import { RangePicker } from "../components/range_picker.tsx";
import { Empty } from "../components/states.tsx";
import { parseFilter } from "../features/filter/filter.ts";
import { FilterBar } from "../features/filter/filter_bar.tsx";
import { selectionOf } from "../features/filter/selection.ts";
import { Marks } from "../features/marks/marks.tsx";
import { Steps } from "../features/undo/steps.tsx";
import { adjust, link, query } from "../router.ts";

type View = "changes" | "marks";

const VIEWS: Option<View>[] = [
  { value: "changes", name: "Changes" },
  { value: "marks", name: "Marks" },
];

export function Undo() {
  const isMarks = query.value.get("view") === "marks";
  return (
    <>
      <header class="page-head">
        <h1>Undo</h1>
        <Choice
          label="Changes or marks"
          options={VIEWS}
          value={isMarks ? "marks" : "changes"}
          onChange={(view) => adjust({ view: view === "marks" ? view : undefined })}
        />
        <div class="spacer" />
        {!isMarks && <RangePicker />}
      </header>
      {isMarks ? <Marks /> : <UndoChanges />}
    </>
  );
}

function UndoChanges() {
  const text = query.value.get("filter") ?? "";
  const range = query.value.get("range");
  // Kept while the filter stays: a plan is for these changes alone.
  const { parameters, problems } = useMemo(() => {
    const parsed = parseFilter(text);
    return { parameters: selectionOf(parsed.filter, range), problems: parsed.problems };
  }, [text, range]);
  return (
    <>
      <FilterBar text={text} onChange={(filter) => adjust({ filter: filter || undefined })} />
      {problems.length > 0 ? (
        <Empty icon="warn" title="The filter has an error">
          <p>Correct it first, so that the undo covers the right changes.</p>
        </Empty>
      ) : parameters.length === 0 ? (
        <Introduction />
      ) : (
        <Steps parameters={parameters} key={JSON.stringify(parameters)} />
      )}
    </>
  );
}

function Introduction() {
  return (
    <Empty icon="undo" title="Choose what to undo">
      <p>
        Filter by user, request, transaction, table or time. The preview then shows every effect and every
        conflict. Nothing changes until you confirm.
      </p>
      <div class="row">
        <a class="button" href={link("/activity", { by: "user_id" })}>
          <Icon name="user" size={14} /> Choose a user
        </a>
        <a class="button" href={link("/activity", { by: "request_id" })}>
          <Icon name="activity" size={14} /> Choose a request
        </a>
      </div>
    </Empty>
  );
}
