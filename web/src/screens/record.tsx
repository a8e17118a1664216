// SPDX-License-Identifier: LGPL-3.0-or-later
// Record: one row's life. A slider over its versions shows the row as it was, what changed, and who.
import { useEffect } from "preact/hooks";
import { get, type Version } from "../api.ts";
import { emptyFilter, tableName, writeFilter } from "../filter.ts";
import { Icon } from "../icons.tsx";
import { type Json, plain } from "../json.ts";
import { Ago, Empty, Failed, OperationBadge, Skeleton, useLoad } from "../parts/basics.tsx";
import { ContextList, Person, WholeDeed } from "../parts/change_row.tsx";
import { TableSelect } from "../parts/record_picker.tsx";
import { Value } from "../parts/values.tsx";
import { adjust, go, link, query } from "../router.ts";
import { tables } from "../state.ts";
import { exactTime, shortTime, span } from "../time.ts";
import { placeOf } from "../who.ts";

export function Record() {
  const table = query.value.get("table") ?? "";
  const key = query.value.get("key") ?? "";
  const source = query.value.get("source") ?? undefined;
  return (
    <>
      <header class="page-head">
        <h1>Record</h1>
        <form
          class="row record-form"
          onSubmit={(event) => {
            event.preventDefault();
            const wanted = String(new FormData(event.currentTarget).get("key") ?? "").trim();
            if (table !== "" && wanted !== "") go("/record", { table, key: wanted });
          }}
        >
          <TableSelect value={table} onChange={(next) => go("/record", { table: next })} />
          <input
            class="input mono"
            name="key"
            placeholder={keyHint(table)}
            aria-label="Primary key"
            key={`${table}/${key}`}
            defaultValue={key}
            autocomplete="off"
          />
          <button type="submit" class="button">
            Show
          </button>
        </form>
      </header>
      {table === "" || key === "" ? (
        <Introduction table={table} />
      ) : (
        <Life key={`${table}/${key}`} table={table} recordKey={key} {...(source && { source })} />
      )}
    </>
  );
}

function keyHint(name: string): string {
  const table = tables.value?.find((one) => tableName(one.schema, one.table) === name);
  return table?.primary_key?.length ? table.primary_key.join(", ") : "primary key";
}

function Introduction({ table }: { table: string }) {
  return (
    <Empty icon="record" title="One row, all its versions">
      <p>
        {table === "" ? "Choose a table and the key of a row" : "Give the key of a row"}, or click a key
        anywhere in the feed. You see what it was at any time, what changed, and who changed it.
      </p>
      <div class="row">
        <a class="button" href={link("/changes", table === "" ? {} : { filter: `table:${table}` })}>
          Find it among the changes
        </a>
      </div>
    </Empty>
  );
}

function Life({ table, recordKey, source }: { table: string; recordKey: string; source?: string }) {
  const { value, error, retry } = useLoad(`${table}\n${recordKey}`, (signal) =>
    get<{ versions: Version[] }>("/api/history", { table, key: recordKey, source }, signal),
  );
  if (error !== undefined) return <Failed error={error} retry={retry} />;
  if (!value) return <Skeleton lines={10} />;
  return <Versions versions={value.versions} table={table} recordKey={recordKey} />;
}

function Versions({ versions, table, recordKey }: { versions: Version[]; table: string; recordKey: string }) {
  const asked = Number(query.value.get("version"));
  const at = asked >= 1 && asked <= versions.length ? asked - 1 : versions.length - 1;
  const version = versions[at]!;
  const show = (next: number) => {
    if (next >= 0 && next < versions.length)
      adjust({ version: next === versions.length - 1 ? undefined : String(next + 1) }, "replace");
  };
  useEffect(() => {
    const onKey = (event: KeyboardEvent) => {
      if ((event.target as HTMLElement).closest("input, select, textarea")) return;
      if (event.key === "ArrowLeft" || event.key === "ArrowUp") show(at - 1);
      else if (event.key === "ArrowRight" || event.key === "ArrowDown") show(at + 1);
      else return;
      event.preventDefault();
    };
    document.addEventListener("keydown", onKey);
    return () => document.removeEventListener("keydown", onKey);
  });
  return (
    <>
      <Slider versions={versions} at={at} onChange={show} />
      <div class="record-grid">
        <section class="card" aria-label="The row">
          <header>
            <h2>{at === versions.length - 1 ? "The row now" : "The row as it was"}</h2>
            <OperationBadge operation={version.operation} />
            <span class="spacer" />
            <span class="muted number" title={exactTime(version.valid_from)}>
              {validity(version)}
            </span>
          </header>
          <RowThen version={version} />
          <div class="record-actions row wrap">
            <a class="button small" href={link("/time-travel", { table, at: version.valid_from })}>
              <Icon name="past" size={14} /> The whole table then
            </a>
            <WholeDeed context={version.context} />
            <a class="button small" href={`/change/${version.id}`}>
              <Icon name="link" size={14} /> This change
            </a>
            <a
              class="button small"
              hidden={at === versions.length - 1}
              href={undoLink(table, recordKey, version.valid_from)}
            >
              <Icon name="undo" size={14} /> Go back to here…
            </a>
          </div>
          <div class="body record-who">
            <ContextList context={version.context} />
          </div>
        </section>
        <section class="card" aria-label="Timeline">
          <header>
            <h2>Timeline</h2>
            <span class="muted">
              {versions.length} {versions.length === 1 ? "version" : "versions"}
            </span>
          </header>
          <ol class="timeline">
            {versions
              .map((one, i) => (
                <TimelineEntry key={one.id} version={one} isCurrent={i === at} onPick={() => show(i)} />
              ))
              .reverse()}
          </ol>
        </section>
      </div>
    </>
  );
}

/** All that happened to the record after that moment, to the microsecond. */
function undoLink(table: string, key: string, at: string): string {
  const micros = /\.(\d{1,6})/.exec(at)?.[1]?.padEnd(6, "0") ?? "000000";
  const second = new Date(`${at.slice(0, 19)}Z`);
  const next = Number(micros) + 1;
  if (next === 1_000_000) second.setUTCSeconds(second.getUTCSeconds() + 1);
  const since = `${second.toISOString().slice(0, 19)}.${String(next % 1_000_000).padStart(6, "0")}Z`;
  return link("/undo", { filter: writeFilter({ ...emptyFilter(), table, key }), range: `${since}..` });
}

function validity(version: Version): string {
  const from = shortTime(version.valid_from);
  if (version.operation === "DELETE") return `gone since ${from}`;
  if (version.valid_to === null) return `since ${from}`;
  const seconds = (Date.parse(version.valid_to) - Date.parse(version.valid_from)) / 1000;
  return `from ${from}, for ${span(seconds)}`;
}

function Slider({
  versions,
  at,
  onChange,
}: {
  versions: Version[];
  at: number;
  onChange: (at: number) => void;
}) {
  const first = Date.parse(versions[0]!.valid_from);
  const last = Date.parse(versions.at(-1)!.valid_from);
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
          aria-valuetext={`Version ${at + 1} of ${versions.length}, ${shortTime(versions[at]!.valid_from)}`}
          disabled={versions.length === 1}
          onInput={(event) => onChange(Number(event.currentTarget.value))}
        />
        <div class="slider-ends">
          <span>{shortTime(new Date(first).toISOString())}</span>
          <strong class="number">
            Version {at + 1} of {versions.length}
          </strong>
          <span>{shortTime(new Date(last).toISOString())}</span>
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

function RowThen({ version }: { version: Version }) {
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
      {isGone && <p class="gone-note">Deleted. These were its last values.</p>}
    </div>
  );
}

function TimelineEntry({
  version,
  isCurrent,
  onPick,
}: {
  version: Version;
  isCurrent: boolean;
  onPick: () => void;
}) {
  const place = placeOf(version.context);
  return (
    <li class={`${version.operation} ${isCurrent ? "current" : ""}`}>
      <button type="button" onClick={onPick} aria-current={isCurrent ? "true" : undefined}>
        <span class="row">
          <OperationBadge operation={version.operation} />
          <Person context={version.context} />
          <span class="spacer" />
          <span class="muted">
            <Ago at={version.valid_from} />
          </span>
        </span>
        {version.operation === "UPDATE" && <ChangedLine changed={version.changed} />}
        {place !== undefined && <span class="muted ellipsis">{place}</span>}
      </button>
    </li>
  );
}

function ChangedLine({ changed }: { changed: { [column: string]: [Json, Json] } }) {
  return (
    <span class="summary">
      {Object.entries(changed).map(([name, [before, after]]) => (
        <span class="pair" key={name}>
          <span class="name">{name}</span>
          <span class="was">{plain(before).slice(0, 40)}</span>
          <span class="arrow">→</span>
          <span class="is">{plain(after).slice(0, 40)}</span>
        </span>
      ))}
    </span>
  );
}
