// SPDX-License-Identifier: LGPL-3.0-or-later
// SQL and other code. Long text scrolls, by keyboard too.
import type { ComponentChildren } from "preact";

export function SqlText({ kind = "", children }: { kind?: string; children: ComponentChildren }) {
  return (
    <pre class={`sql ${kind}`} tabIndex={0}>
      {children}
    </pre>
  );
}
