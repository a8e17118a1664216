// SPDX-License-Identifier: LGPL-3.0-or-later
// A row at one version.
import type { Version } from "../../api.ts";
import { Value } from "../../components/value.tsx";

export function RowThen({ version }: { version: Version }) {
  const isGone = version.operation === "DELETE" || version.operation === "TRUNCATE";
  const names = isGone ? Object.keys(version.changed) : Object.keys(version.row);
  return (
    <div class={`row-then ${isGone ? "gone" : ""}`}>
      <table>
        <tbody>
          {names.map((name) => {
            const change = Object.hasOwn(version.changed, name) ? version.changed[name] : undefined;
            const isChanged = change !== undefined && version.operation === "UPDATE";
            return (
              <tr key={name} class={isChanged ? "changed" : ""}>
                <th scope="row">{name}</th>
                <td>
                  {isGone ? <Value value={change?.[0]} /> : <Value value={version.row[name]} />}
                  {isChanged && (
                    <span class="before" title="before">
                      was <Value value={change[0]} />
                    </span>
                  )}
                </td>
              </tr>
            );
          })}
        </tbody>
      </table>
      {isGone && <p class="gone-note">This row was deleted. These are its last values.</p>}
    </div>
  );
}
