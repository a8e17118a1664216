// SPDX-License-Identifier: LGPL-3.0-or-later
// The text of the filter bar while a person types, and its suggestions.
import { useEffect, useMemo, useRef, useState } from "preact/hooks";
import { parseFilter } from "./filter.ts";
import { type Offer, type Suggestion, suggest } from "./suggest.ts";

const NOTHING: Offer = { from: 0, to: 0, list: [] };
const STEPS: Record<string, number> = { ArrowDown: 1, ArrowUp: -1 };

interface Keys {
  /** The text of the field itself: keys can come faster than the page is drawn. */
  written: () => { text: string; caret: number };
  isOpen: boolean;
  chosen: number;
  move: (step: number, last: number) => void;
  accept: (suggestion: Suggestion, offer: Offer) => void;
  submit: (text: string) => void;
  close: () => void;
}

function keyHandler(keys: Keys) {
  return (event: KeyboardEvent) => {
    const { text, caret } = keys.written();
    const offer = suggest(text, caret);
    const step = STEPS[event.key];
    const picked = keys.isOpen ? offer.list[keys.chosen] : undefined;
    const first = offer.list[Math.max(keys.chosen, 0)];
    const isTab = event.key === "Tab" && !event.shiftKey;
    if (step !== undefined) keys.move(step, offer.list.length - 1);
    else if (event.key === "Enter" && picked) keys.accept(picked, offer);
    else if (event.key === "Enter") keys.submit(text);
    else if (isTab && first && text.slice(offer.from, caret) !== "") keys.accept(first, offer);
    else {
      if (event.key === "Escape") keys.close();
      return;
    }
    event.preventDefault();
  };
}

/** The text with a suggestion in it. Not whole is a field that still needs its value. */
function completed(text: string, suggestion: Suggestion, { from, to }: Offer) {
  const isWhole = !suggestion.text.endsWith(":");
  const word = isWhole ? `${suggestion.text} ` : suggestion.text;
  return {
    text: text.slice(0, from) + word + text.slice(to).trimStart(),
    caret: from + word.length,
    isWhole,
  };
}

export function useDraft(text: string, onChange: (text: string) => void) {
  const input = useRef<HTMLInputElement>(null);
  const [draft, setDraft] = useState(text);
  const [caret, setCaret] = useState(text.length);
  const [isOpen, setOpen] = useState(false);
  const [chosen, setChosen] = useState(-1);
  // Our own text comes back late. By then a person may have typed more.
  const sent = useRef(text);
  useEffect(() => {
    if (text === sent.current) return;
    sent.current = text;
    setDraft(text);
  }, [text]);
  const { problems } = useMemo(() => parseFilter(draft), [draft]);
  const written = () => ({ text: input.current?.value ?? "", caret: input.current?.selectionStart ?? 0 });
  const submit = (value: string) => {
    setOpen(false);
    if (parseFilter(value).problems.length > 0) return;
    sent.current = value.trim();
    onChange(value.trim());
  };
  const type = () => {
    setDraft(written().text);
    setCaret(written().caret);
    setChosen(-1);
    setOpen(true);
  };
  const open = () => {
    setCaret(written().caret);
    setOpen(true);
  };
  const accept = (suggestion: Suggestion, offer: Offer) => {
    const { text: next, caret: at, isWhole } = completed(written().text, suggestion, offer);
    if (input.current) {
      // Into the field at once, so that the next key comes after it.
      input.current.value = next;
      input.current.focus();
      input.current.setSelectionRange(at, at);
    }
    setDraft(next);
    setCaret(at);
    setChosen(-1);
    if (isWhole) submit(next);
    setOpen(!isWhole);
  };
  const clear = () => {
    setDraft("");
    submit("");
  };
  const leave = () => submit(written().text);
  const close = () => (isOpen ? setOpen(false) : input.current?.blur());
  const move = (step: number, last: number) => {
    setOpen(true);
    setChosen((before) => Math.max(-1, Math.min(last, before + step)));
  };
  const onKey = keyHandler({ written, isOpen, chosen, move, accept, submit, close });
  const offer = isOpen ? suggest(draft, caret) : NOTHING;
  return { input, draft, problems, offer, chosen, setChosen, type, open, leave, accept, onKey, clear };
}
