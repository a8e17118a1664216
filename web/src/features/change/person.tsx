// SPDX-License-Identifier: LGPL-3.0-or-later
// The person of a context.
import { Icon } from "../../components/icons.tsx";
import type { Row } from "../../json.ts";
import { personOf } from "./who.ts";

export function Person({ context }: { context: Row }) {
  const person = personOf(context);
  if (!person) return null;
  return (
    <span class="person" title={`${person[0]}: ${person[1]}`}>
      <Icon name="user" size={13} />
      <span class="ellipsis">{person[1]}</span>
    </span>
  );
}
