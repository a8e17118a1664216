// SPDX-License-Identifier: LGPL-3.0-or-later
// The filter bar: one line of text, with suggestions.
import { useEffect } from "preact/hooks";
import { Icon } from "../../components/icons.tsx";
import { contextKeys, loadContextKeys, loadTables, sources, tables } from "../../state.ts";
import { parseFilter } from "./filter.ts";
import type { Offer, Suggestion } from "./suggest.ts";
import { unknownNames } from "./unknown.ts";
import { useDraft } from "./use_draft.ts";

export function FilterBar({ text, onChange }: { text: string; onChange: (text: string) => void }) {
  const draft = useDraft(text, onChange);
  const { offer, chosen, problems } = draft;
  // Of what was asked, not of a word that is still being typed.
  const unknown = unknownNames(parseFilter(text).filter, {
    tables: tables.value,
    keys: contextKeys.value?.map(({ key }) => key) ?? null,
    sources: sources.value?.map(({ source }) => source) ?? null,
  });
  useEffect(() => {
    // The lists may be older than the name.
    if (unknown.length > 0) void Promise.all([loadTables(), loadContextKeys()]).catch(() => {});
  }, [text]);
  return (
    <div class="filter-bar">
      <div class="filter-box">
        <Icon name="search" />
        <input
          ref={draft.input}
          id="filter"
          role="combobox"
          aria-label="Filter changes"
          aria-expanded={offer.list.length > 0}
          aria-controls="filter-suggestions"
          aria-activedescendant={chosen >= 0 ? `suggestion-${chosen}` : undefined}
          aria-invalid={problems.length > 0}
          autocomplete="off"
          autocapitalize="off"
          spellcheck={false}
          placeholder={'Filter:  table:todo  user_id:42  op:update  "any text"'}
          value={draft.draft}
          onInput={draft.type}
          onFocus={draft.open}
          onClick={draft.open}
          onBlur={draft.leave}
          onKeyDown={draft.onKey}
        />
        {draft.draft !== "" && (
          <button
            type="button"
            class="button quiet icon small"
            aria-label="Clear the filter"
            onClick={draft.clear}
          >
            <Icon name="close" size={14} />
          </button>
        )}
        <kbd class="hide-phone" title="Press / to type a filter">
          /
        </kbd>
      </div>
      {offer.list.length > 0 && (
        <Suggestions offer={offer} chosen={chosen} onHover={draft.setChosen} onPick={draft.accept} />
      )}
      {problems.length > 0 && (
        <p class="filter-problem" role="alert">
          {problems.join("; ")}
        </p>
      )}
      {problems.length === 0 && unknown.length > 0 && (
        <p class="filter-problem" role="alert">
          {unknown.join(". ")}
        </p>
      )}
    </div>
  );
}

function Suggestions(props: {
  offer: Offer;
  chosen: number;
  onHover: (i: number) => void;
  onPick: (suggestion: Suggestion, offer: Offer) => void;
}) {
  return (
    <div class="suggestions" id="filter-suggestions" role="listbox" aria-label="Suggestions">
      {props.offer.list.map((suggestion, i) => (
        <div
          key={suggestion.text}
          id={`suggestion-${i}`}
          class="suggestion"
          role="option"
          tabIndex={-1}
          aria-selected={i === props.chosen}
          onPointerDown={(event) => {
            event.preventDefault();
            props.onPick(suggestion, props.offer);
          }}
          onPointerEnter={() => props.onHover(i)}
        >
          <span class="mono">{suggestion.text}</span>
          <span class="hint">{suggestion.hint}</span>
        </div>
      ))}
    </div>
  );
}
