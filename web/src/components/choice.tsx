// SPDX-License-Identifier: LGPL-3.0-or-later
// One choice out of a few, side by side.

export interface Option<T extends string> {
  value: T;
  name: string;
  title?: string;
}

export function Choice<T extends string>(props: {
  label: string;
  options: readonly Option<T>[];
  value: T | null;
  onChange: (value: T) => void;
  disabled?: boolean;
}) {
  return (
    <fieldset class="segmented" aria-label={props.label} disabled={props.disabled}>
      {props.options.map(({ value, name, title }) => (
        <button
          type="button"
          key={value}
          title={title}
          aria-pressed={props.value === value}
          onClick={() => props.onChange(value)}
        >
          {name}
        </button>
      ))}
    </fieldset>
  );
}
