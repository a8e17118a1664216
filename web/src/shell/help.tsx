// SPDX-License-Identifier: LGPL-3.0-or-later
// Keyboard shortcuts, and the dialog that lists them.

import { Fragment } from "preact";
import { useEffect, useRef } from "preact/hooks";
import { Icon } from "../components/icons.tsx";
import { go } from "../router.ts";
import { SCREENS } from "./screens.ts";

const KEYS: [string[], string][] = [
  [["/"], "Type a filter"],
  [["j", "k"], "Next or previous change"],
  [["Enter"], "Open the change"],
  [["l"], "Follow new changes, or pause"],
  [["←", "→"], "Earlier or later version of a record"],
  ...SCREENS.map(({ key, name }): [string[], string] => [["g", key], name]),
  [["?"], "Show these shortcuts"],
];

/** A dialog of the browser's own: it keeps the focus and closes by Escape. */
export function Help({ onClose }: { onClose: () => void }) {
  const dialog = useRef<HTMLDialogElement>(null);
  useEffect(() => {
    const shown = dialog.current;
    const onPointer = (event: PointerEvent) => event.target === shown && onClose();
    shown?.showModal();
    shown?.addEventListener("pointerdown", onPointer);
    return () => shown?.removeEventListener("pointerdown", onPointer);
  }, []);
  return (
    <dialog class="dialog" aria-labelledby="help-title" ref={dialog} onClose={onClose}>
      <div class="dialog-body">
        <div class="row">
          <h2 id="help-title">Keyboard shortcuts</h2>
          <span class="spacer" />
          <button type="button" class="button quiet icon small" aria-label="Close" onClick={onClose}>
            <Icon name="close" />
          </button>
        </div>
        <dl class="keys">
          {KEYS.map(([keys, name]) => (
            <Fragment key={name}>
              <dt class="row">
                {keys.map((key) => (
                  <kbd key={key}>{key}</kbd>
                ))}
              </dt>
              <dd>{name}</dd>
            </Fragment>
          ))}
        </dl>
      </div>
    </dialog>
  );
}

export function useShortcuts(onHelp: () => void): void {
  useEffect(() => {
    let isGoing = false;
    const onKey = (event: KeyboardEvent) => {
      const target = event.target as HTMLElement;
      if (event.metaKey || event.ctrlKey || event.altKey || target.closest("input, select, textarea, dialog"))
        return;
      const wasGoing = isGoing;
      isGoing = event.key === "g";
      if (wasGoing) {
        const screen = SCREENS.find(({ key }) => key === event.key);
        if (screen) go(screen.path);
      } else if (event.key === "/") {
        document.getElementById("filter")?.focus();
        event.preventDefault();
      } else if (event.key === "?") {
        onHelp();
      } else if (event.key === "l") {
        document.getElementById("live")?.click();
      }
    };
    document.addEventListener("keydown", onKey);
    return () => document.removeEventListener("keydown", onKey);
  }, []);
}
