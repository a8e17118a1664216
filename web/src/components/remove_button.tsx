// SPDX-License-Identifier: LGPL-3.0-or-later
// A button that removes something. It asks once more.
import { useState } from "preact/hooks";

export function RemoveButton(props: {
  name: string;
  disabled: boolean;
  warning?: string;
  onRemove: () => void;
}) {
  const [isSure, setSure] = useState(false);
  return (
    <button
      type="button"
      class={`button small ${isSure ? "danger" : "quiet"}`}
      disabled={props.disabled}
      onClick={() => (isSure ? props.onRemove() : setSure(true))}
      onBlur={() => setSure(false)}
    >
      {isSure ? (props.warning ?? `Remove ${props.name}`) : "Remove…"}
    </button>
  );
}
