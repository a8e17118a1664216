// SPDX-License-Identifier: LGPL-3.0-or-later
// An input with its label.
import type { InputHTMLAttributes } from "preact";

export function Field({
  label,
  grows = false,
  ...input
}: { label: string; grows?: boolean } & InputHTMLAttributes) {
  return (
    <label class={grows ? "grows" : ""}>
      <span>{label}</span>
      <input {...input} class={`input ${input.class ?? ""}`} autocomplete={input.autocomplete ?? "off"} />
    </label>
  );
}
