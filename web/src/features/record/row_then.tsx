// SPDX-License-Identifier: LGPL-3.0-or-later
// A row at one version, and who set each of its values.
import type { Version } from "../../api.ts";
import { inTableOrder } from "../../components/column_order.ts";
import { Value } from "../../components/value.tsx";
import { exactTime, shortTime } from "../../time.ts";
import { Person } from "../change/person.tsx";

/** The version that set a value: the newest one, up to the one that is shown, that changed the column. */
function setter(versions: Version[], at: number, name: string): Version | undefined {
  return versions.slice(0, at + 1).findLast(({ changed }) => Object.hasOwn(changed, name));
}

function SetBy({ version }: { version: Version | undefined }) {
  if (version === undefined) return null;
  return (
    <a class="plain-link set-by muted" href={`/change/${version.id}`} title={exactTime(version.valid_from)}>
      <Person context={version.context} /> {shortTime(version.valid_from)}
    </a>
  );
}

export function RowThen(props: { versions: Version[]; at: number; columns: readonly string[] }) {
  const { versions, at, columns } = props;
  const version = versions[at];
  if (version === undefined) return null;
  const isGone = version.operation === "DELETE" || version.operation === "TRUNCATE";
  const names = inTableOrder(Object.keys(isGone ? version.changed : version.row), columns);
  return (
    <div class={`row-then ${isGone ? "gone" : ""}`}>
      <table>
        <thead>
          <tr>
            <th scope="col">Column</th>
            <th scope="col">Value</th>
            {!isGone && <th scope="col">Set by</th>}
          </tr>
        </thead>
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
                {!isGone && (
                  <td>
                    <SetBy version={setter(versions, at, name)} />
                  </td>
                )}
              </tr>
            );
          })}
        </tbody>
      </table>
      {isGone && <p class="gone-note">This row was deleted. These are its last values.</p>}
    </div>
  );
}
