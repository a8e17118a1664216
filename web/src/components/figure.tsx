// SPDX-License-Identifier: LGPL-3.0-or-later
// A number with its name.

export function Figure({
  name,
  value,
  title,
  isText = false,
}: {
  name: string;
  value: string;
  title?: string;
  isText?: boolean;
}) {
  return (
    <div class="figure card" title={title}>
      <p class="label">{name}</p>
      <p class={isText ? "figure-text" : "number"}>{value}</p>
    </div>
  );
}
