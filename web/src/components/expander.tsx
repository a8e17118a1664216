// SPDX-License-Identifier: LGPL-3.0-or-later
// The button that opens a line. It covers the whole line, below the line's links.
import { Icon } from "./icons.tsx";

export function Expander({
  isOpen,
  label,
  onToggle,
}: {
  isOpen: boolean;
  label: string;
  onToggle: () => void;
}) {
  return (
    <button type="button" class="expander" aria-expanded={isOpen} aria-label={label} onClick={onToggle}>
      <Icon name="right" size={14} />
    </button>
  );
}
