// SPDX-License-Identifier: LGPL-3.0-or-later
// The filter bar: one line of text, with suggestions of what can be said next.
import { useEffect, useMemo, useRef, useState } from "preact/hooks";
import { contextField, FIELD_HINTS, parseFilter, quote, shortTableName, tokens } from "../filter.ts";
import { Icon } from "../icons.tsx";
import { contextKeys, tables } from "../state.ts";

interface Suggestion {
  text: string;
  hint: string;
}

/** What may stand where the caret is; `from` to `to` is what it replaces. */
function suggest(text: string, caret: number): { from: number; to: number; list: Suggestion[] } {
  const token = tokens(text).find(({ from, to }) => from <= caret && caret <= to);
  const from = token?.from ?? caret;
  const to = token?.to ?? caret;
  const typed = text.slice(from, caret).toLowerCase();
  const all: Suggestion[] = [];
  const colon = typed.indexOf(":");
  const name = colon < 0 ? "" : typed.slice(0, colon);
  if (colon < 0) {
    for (const [field, hint] of FIELD_HINTS) all.push({ text: field, hint });
    for (const { key, share } of contextKeys.value ?? []) {
      all.push({
        text: contextField(key, "x").slice(0, -1),
        hint: `context of ${Math.round(share * 100)} % of changes`,
      });
    }
  } else if (name === "table") {
    for (const { schema, table } of tables.value ?? []) {
      const short = shortTableName(schema, table);
      all.push({ text: `table:${/["\s\\]/.test(short) ? quote(short) : short}`, hint: schema });
    }
  } else if (name === "op" || name === "operation") {
    for (const operation of ["create", "update", "delete", "truncate", "schema", "snapshot"])
      all.push({ text: `op:${operation}`, hint: "" });
  } else if (name === "no") {
    for (const { key } of contextKeys.value ?? [])
      all.push({ text: `no:${quote(key)}`, hint: "not in the context" });
  } else {
    const key = contextKeys.value?.find((one) =>
      contextField(one.key, "x").toLowerCase().startsWith(`${name}:`),
    );
    for (const value of key?.values ?? []) all.push({ text: contextField(key!.key, value), hint: "" });
  }
  const seen = new Set<string>();
  const list = all.filter((one) => {
    const fits =
      one.text.toLowerCase().startsWith(typed) && one.text.toLowerCase() !== typed && !seen.has(one.text);
    seen.add(one.text);
    return fits;
  });
  return { from, to, list: list.slice(0, 12) };
}

export function FilterBar({ text, onChange }: { text: string; onChange: (text: string) => void }) {
  const [draft, setDraft] = useState(text);
  const [caret, setCaret] = useState(text.length);
  const [isOpen, setOpen] = useState(false);
  const [chosen, setChosen] = useState(-1);
  const input = useRef<HTMLInputElement>(null);
  // What we said ourselves comes back late: by then more may have been typed after it.
  const said = useRef(text);
  useEffect(() => {
    if (text === said.current) return;
    said.current = text;
    setDraft(text);
  }, [text]);
  const { problems } = useMemo(() => parseFilter(draft), [draft]);
  const offered = isOpen ? suggest(draft, caret) : { from: 0, to: 0, list: [] };
  const submit = (value: string) => {
    setOpen(false);
    if (parseFilter(value).problems.length > 0) return;
    said.current = value.trim();
    onChange(value.trim());
  };
  const accept = (suggestion: Suggestion, place: { from: number; to: number }) => {
    const written = input.current!.value;
    const needsValue = suggestion.text.endsWith(":");
    const next = `${written.slice(0, place.from)}${suggestion.text}${needsValue ? "" : " "}${written.slice(place.to).trimStart()}`;
    const at = place.from + suggestion.text.length + (needsValue ? 0 : 1);
    // Into the field at once: what is typed next comes after it, however late the page is drawn.
    input.current!.value = next;
    input.current!.focus();
    input.current!.setSelectionRange(at, at);
    setDraft(next);
    setCaret(at);
    setChosen(-1);
    if (!needsValue) submit(next);
    setOpen(needsValue);
  };
  const onKey = (event: KeyboardEvent) => {
    // Asked of the field itself: keys can come faster than the page is drawn.
    const written = input.current!.value;
    const at = input.current!.selectionStart ?? 0;
    const now = suggest(written, at);
    const step = event.key === "ArrowDown" ? 1 : event.key === "ArrowUp" ? -1 : 0;
    if (step !== 0) {
      event.preventDefault();
      setOpen(true);
      setChosen((before) => Math.max(-1, Math.min(now.list.length - 1, before + step)));
    } else if (event.key === "Enter") {
      event.preventDefault();
      const picked = isOpen ? now.list[chosen] : undefined;
      if (picked) accept(picked, now);
      else submit(written);
    } else if (
      event.key === "Tab" &&
      !event.shiftKey &&
      now.list.length > 0 &&
      written.slice(now.from, at) !== ""
    ) {
      event.preventDefault();
      accept(now.list[Math.max(chosen, 0)]!, now);
    } else if (event.key === "Escape") {
      if (isOpen) setOpen(false);
      else input.current?.blur();
    }
  };
  return (
    <div class="filter-bar">
      <div class="filter-box">
        <Icon name="search" />
        <input
          ref={input}
          id="filter"
          role="combobox"
          aria-label="Filter changes"
          aria-expanded={offered.list.length > 0}
          aria-controls="filter-suggestions"
          aria-activedescendant={chosen >= 0 ? `suggestion-${chosen}` : undefined}
          aria-invalid={problems.length > 0}
          autocomplete="off"
          autocapitalize="off"
          spellcheck={false}
          placeholder={'Filter:  table:todo  user_id:42  op:update  "any text"'}
          value={draft}
          onInput={(event) => {
            setDraft(event.currentTarget.value);
            setCaret(event.currentTarget.selectionStart ?? 0);
            setChosen(-1);
            setOpen(true);
          }}
          onFocus={() => setOpen(true)}
          onClick={(event) => {
            setCaret(event.currentTarget.selectionStart ?? 0);
            setOpen(true);
          }}
          onBlur={() => {
            setOpen(false);
            submit(input.current!.value);
          }}
          onKeyDown={onKey}
        />
        {draft !== "" && (
          <button
            type="button"
            class="button quiet icon small"
            aria-label="Clear the filter"
            onClick={() => {
              setDraft("");
              submit("");
            }}
          >
            <Icon name="close" size={14} />
          </button>
        )}
        <kbd class="hide-phone" title="Press / to type a filter">
          /
        </kbd>
      </div>
      {offered.list.length > 0 && (
        <ul class="suggestions" id="filter-suggestions" role="listbox" aria-label="Suggestions">
          {offered.list.map((suggestion, i) => (
            <li
              key={suggestion.text}
              id={`suggestion-${i}`}
              role="option"
              aria-selected={i === chosen}
              onPointerDown={(event) => {
                event.preventDefault();
                accept(suggestion, offered);
              }}
              onPointerEnter={() => setChosen(i)}
            >
              <span class="mono">{suggestion.text}</span>
              <span class="hint">{suggestion.hint}</span>
            </li>
          ))}
        </ul>
      )}
      {problems.length > 0 && <p class="filter-problem">{problems.join("; ")}</p>}
    </div>
  );
}
