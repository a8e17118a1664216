// SPDX-License-Identifier: LGPL-3.0-or-later
// A value of a row, as text and never as markup. Colours mark values that have no text of their own.

import { useState } from "preact/hooks";
import { Exact, type Json, pretty, write } from "../json.ts";

const LONG = 160;

export function Value({ value, whole = false }: { value: Json | undefined; whole?: boolean }) {
  const [isOpen, setOpen] = useState(whole);
  if (value === undefined) return <span class="value absent">–</span>;
  if (value === null) return <span class="value null">null</span>;
  if (typeof value === "boolean") return <span class="value bool">{String(value)}</span>;
  if (typeof value === "number" || value instanceof Exact)
    return <span class="value num">{String(value)}</span>;
  if (value === "") return <span class="value null">empty</span>;
  const text = typeof value === "string" ? value : isOpen ? pretty(value) : write(value);
  if (text.length <= LONG || isOpen)
    return <span class={`value ${typeof value === "string" ? "str" : "json"}`}>{text}</span>;
  return (
    <span class="value str">
      {text.slice(0, LONG)}
      <button
        type="button"
        class="more"
        onClick={() => setOpen(true)}
        title={`Show all ${text.length} characters`}
      >
        … {text.length - LONG} more
      </button>
    </span>
  );
}
