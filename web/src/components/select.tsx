// SPDX-License-Identifier: LGPL-3.0-or-later
// A list to choose from, whose first entry may be only a prompt.

export function Select<T extends string>(props: {
  label: string;
  value: T | "";
  options: readonly (readonly [T, string])[];
  /** Shown while nothing is chosen. */
  prompt?: string;
  disabled?: boolean;
  onChange: (value: T) => void;
}) {
  return (
    <select
      class="input"
      aria-label={props.label}
      value={props.value}
      disabled={props.disabled}
      onChange={(event) => props.onChange(event.currentTarget.value as T)}
    >
      {props.prompt !== undefined && (
        <option value="" disabled>
          {props.prompt}
        </option>
      )}
      {props.options.map(([value, name]) => (
        <option key={value} value={value}>
          {name}
        </option>
      ))}
    </select>
  );
}
