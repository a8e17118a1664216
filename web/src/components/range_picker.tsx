// SPDX-License-Identifier: LGPL-3.0-or-later
// The time range of a screen, kept in the address.
import { adjust, query } from "../router.ts";
import { boundsOf, lastDays, RANGES, rangeTitle, toInput } from "../time.ts";
import { Choice } from "./choice.tsx";
import { Icon } from "./icons.tsx";
import { Menu } from "./menu.tsx";

/** In the address of a screen whose range is not "all" by itself. */
export const ALL = "all";

export function RangePicker({ byDefault = ALL }: { byDefault?: string }) {
  const range = query.value.get("range") ?? byDefault;
  const isOwn = range !== ALL && !RANGES.some(({ name }) => name === range);
  const options = [
    ...RANGES.map(({ name, title }) => ({ value: name, name, title })),
    { value: ALL, name: "All", title: "All time" },
  ];
  return (
    <div class="row">
      <Choice
        label="Period"
        options={options}
        value={range}
        onChange={(next) => adjust({ range: next === byDefault ? undefined : next })}
      />
      <Menu
        title="Choose a period"
        kind={isOwn ? "small" : "quiet small"}
        label={
          <>
            <Icon name="past" size={14} />
            {isOwn ? rangeTitle(range) : <span class="hide-phone">Custom…</span>}
          </>
        }
      >
        {lastDays().map((day) => (
          <button
            type="button"
            key={day.name}
            aria-pressed={range === day.range}
            onClick={() => adjust({ range: day.range })}
          >
            {day.name}
          </button>
        ))}
        <hr />
        <OwnRange range={range} />
      </Menu>
    </div>
  );
}

function submittedRange(form: HTMLFormElement): string | undefined {
  const data = new FormData(form);
  const iso = (name: string) => {
    const text = String(data.get(name) ?? "");
    return text === "" ? "" : new Date(text).toISOString();
  };
  const text = `${iso("since")}..${iso("until")}`;
  return text === ".." ? undefined : text;
}

function OwnRange({ range }: { range: string }) {
  const bounds = boundsOf(range);
  const field = (name: "since" | "until") => ({
    class: "input",
    type: "datetime-local" as const,
    step: "1",
    name,
    defaultValue: bounds[name] ? toInput(new Date(bounds[name])) : "",
  });
  return (
    <form
      onSubmit={(event) => {
        event.preventDefault();
        adjust({ range: submittedRange(event.currentTarget) });
      }}
    >
      <label>
        <span class="label">From</span>
        <input {...field("since")} />
      </label>
      <label>
        <span class="label">Until</span>
        <input {...field("until")} />
      </label>
      <button type="submit" class="button primary">
        Show
      </button>
    </form>
  );
}
