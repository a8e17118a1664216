// SPDX-License-Identifier: LGPL-3.0-or-later
// A slider over the versions of a record.
import type { Version } from "../../api.ts";
import { Icon } from "../../components/icons.tsx";
import { shortTime } from "../../time.ts";

export function Slider({
  versions,
  at,
  onChange,
}: {
  versions: Version[];
  at: number;
  onChange: (at: number) => void;
}) {
  const timeOf = (version: Version | undefined) => (version ? shortTime(version.valid_from) : "");
  return (
    <div class="slider card">
      <button
        type="button"
        class="button quiet icon small"
        aria-label="Earlier version"
        disabled={at === 0}
        onClick={() => onChange(at - 1)}
      >
        <Icon name="left" />
      </button>
      <div class="slider-track">
        <input
          type="range"
          min={0}
          max={versions.length - 1}
          value={at}
          aria-label="Version"
          aria-valuetext={`Version ${at + 1} of ${versions.length}, ${timeOf(versions[at])}`}
          disabled={versions.length === 1}
          onInput={(event) => onChange(Number(event.currentTarget.value))}
        />
        <div class="slider-ends">
          <span>{timeOf(versions[0])}</span>
          <strong class="number">
            Version {at + 1} of {versions.length}
          </strong>
          <span>{timeOf(versions.at(-1))}</span>
        </div>
      </div>
      <button
        type="button"
        class="button quiet icon small"
        aria-label="Later version"
        disabled={at === versions.length - 1}
        onClick={() => onChange(at + 1)}
      >
        <Icon name="right" />
      </button>
    </div>
  );
}
