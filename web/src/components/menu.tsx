// SPDX-License-Identifier: LGPL-3.0-or-later
// A button that opens a list.
import type { ComponentChildren } from "preact";
import { useEffect, useRef, useState } from "preact/hooks";

/** Closes by Escape, by a click elsewhere, and when an entry was chosen. */
function useClosing(root: { current: HTMLElement | null }, isOpen: boolean, close: () => void): void {
  useEffect(() => {
    if (!isOpen) return;
    const holds = (event: Event) => root.current?.contains(event.target as Node) ?? false;
    const onPointer = (event: Event) => !holds(event) && close();
    const onKey = (event: KeyboardEvent) => {
      if (event.key !== "Escape") return;
      close();
      root.current?.querySelector("button")?.focus();
    };
    const onChoice = (event: Event) => {
      const entry = (event.target as Element).closest(".menu-list button:not([type=submit]), .menu-list a");
      if (entry && holds(event)) close();
    };
    const onSubmit = (event: Event) => holds(event) && close();
    document.addEventListener("pointerdown", onPointer);
    document.addEventListener("keydown", onKey);
    document.addEventListener("click", onChoice);
    document.addEventListener("submit", onSubmit);
    return () => {
      document.removeEventListener("pointerdown", onPointer);
      document.removeEventListener("keydown", onKey);
      document.removeEventListener("click", onChoice);
      document.removeEventListener("submit", onSubmit);
    };
  }, [isOpen]);
}

export function Menu(props: {
  label: ComponentChildren;
  title?: string;
  kind?: string;
  children: ComponentChildren;
}) {
  const [isOpen, setOpen] = useState(false);
  const root = useRef<HTMLDivElement>(null);
  useClosing(root, isOpen, () => setOpen(false));
  return (
    <div class="menu" ref={root}>
      <button
        type="button"
        class={`button ${props.kind ?? ""}`}
        title={props.title}
        aria-expanded={isOpen}
        onClick={() => setOpen(!isOpen)}
      >
        {props.label}
      </button>
      {isOpen && <div class="menu-list">{props.children}</div>}
    </div>
  );
}
