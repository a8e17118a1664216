// SPDX-License-Identifier: LGPL-3.0-or-later
// All versions of a record.

import { useEffect } from "preact/hooks";
import type { Version } from "../../api.ts";
import { Icon } from "../../components/icons.tsx";
import { OperationBadge } from "../../components/operation_badge.tsx";
import { plain } from "../../json.ts";
import { adjust, link, query } from "../../router.ts";
import { exactTime, plural, shortTime, span } from "../../time.ts";
import { ContextList, WholeDeed } from "../change/context_list.tsx";
import { emptyFilter, writeFilter } from "../filter/filter.ts";
import { columnsOf } from "../filter/table_columns.ts";
import { RowThen } from "./row_then.tsx";
import { Slider } from "./slider.tsx";
import { TimelineEntry } from "./timeline.tsx";

interface Props {
  versions: Version[];
  table: string;
  recordKey: string;
  source: string | undefined;
}

export function Versions(props: Props) {
  const { versions } = props;
  const newest = versions.length - 1;
  const at = versionAsked(versions);
  const version = versions[at];
  const columns = columnsOf(props.table, props.source);
  const show = (next: number) => {
    if (next < 0 || next > newest) return;
    adjust({ change: undefined, version: next === newest ? undefined : String(next + 1) }, "replace");
  };
  useArrows((step) => show(at + step));
  if (version === undefined) return null;
  return (
    <>
      <Slider versions={versions} at={at} onChange={show} />
      <div class="record-grid">
        <RowCard {...props} version={version} at={at} isNewest={at === newest} />
        <section class="card" aria-label="Timeline">
          <header>
            <h2>Timeline</h2>
            <span class="muted">{plural(versions.length, "version")}</span>
          </header>
          <ol class="timeline">
            {versions
              .map((one, i) => (
                <TimelineEntry
                  key={one.id}
                  version={one}
                  columns={columns}
                  isCurrent={i === at}
                  onPick={() => show(i)}
                />
              ))
              .reverse()}
          </ol>
        </section>
      </div>
    </>
  );
}

/** The place of the version that the address names, by the change that made it or by its number. */
function versionAsked(versions: Version[]): number {
  const newest = versions.length - 1;
  const change = query.value.get("change");
  const made = change === null ? -1 : versions.findIndex((one) => one.id === change);
  if (made >= 0) return made;
  const number = Number(query.value.get("version"));
  return number >= 1 && number <= versions.length ? number - 1 : newest;
}

const STEPS: Record<string, number> = { ArrowLeft: -1, ArrowUp: -1, ArrowRight: 1, ArrowDown: 1 };

function useArrows(move: (step: number) => void): void {
  useEffect(() => {
    const onKey = (event: KeyboardEvent) => {
      const step = STEPS[event.key];
      if (step === undefined || (event.target as HTMLElement).closest("input, select, textarea")) return;
      move(step);
      event.preventDefault();
    };
    document.addEventListener("keydown", onKey);
    return () => document.removeEventListener("keydown", onKey);
  });
}

const isGone = ({ operation }: Version) => operation === "DELETE" || operation === "TRUNCATE";

function RowCard(props: Props & { version: Version; at: number; isNewest: boolean }) {
  const { version, isNewest, table } = props;
  const title = isGone(version) ? "Deleted row" : isNewest ? "Current row" : "Row at this version";
  return (
    <section class="card" aria-label="Row">
      <header>
        <h2>{title}</h2>
        <OperationBadge operation={version.operation} />
        <span class="spacer" />
        <span class="muted number" title={exactTime(version.valid_from)}>
          {validity(version)}
        </span>
      </header>
      <RowThen versions={props.versions} at={props.at} columns={columnsOf(props.table, props.source)} />
      <div class="record-actions row wrap">
        <a class="button small" href={link("/time-travel", { table, at: version.valid_from })}>
          <Icon name="past" size={14} /> Table at this time
        </a>
        <WholeDeed context={version.context} />
        <a class="button small" href={`/change/${version.id}`}>
          <Icon name="link" size={14} /> Change details
        </a>
        <a class="button small" hidden={isNewest} href={undoLink(props, version.valid_from)}>
          <Icon name="undo" size={14} /> Restore this version…
        </a>
        <a
          class="button small"
          hidden={!isNewest || !isGone(version)}
          href={restoreLink(version, props.source)}
        >
          <Icon name="undo" size={14} /> Restore…
        </a>
      </div>
      <div class="body record-who">
        <ContextList context={version.context} />
      </div>
    </section>
  );
}

/** An undo of the whole transaction: it brings back what was deleted along with the row. */
function restoreLink(version: Version, source: string | undefined): string {
  const filter = { ...emptyFilter(), transaction: plain(version.transaction_id), ...(source && { source }) };
  return link("/undo", { filter: writeFilter(filter) });
}

/** An undo of everything that happened to the record after that time, to the microsecond. */
function undoLink({ table, recordKey: key, source }: Props, at: string): string {
  const micros = /\.(\d{1,6})/.exec(at)?.[1]?.padEnd(6, "0") ?? "000000";
  const second = new Date(`${at.slice(0, 19)}Z`);
  const next = Number(micros) + 1;
  if (next === 1_000_000) second.setUTCSeconds(second.getUTCSeconds() + 1);
  const since = `${second.toISOString().slice(0, 19)}.${String(next % 1_000_000).padStart(6, "0")}Z`;
  return link("/undo", {
    filter: writeFilter({ ...emptyFilter(), table, key, ...(source && { source }) }),
    range: `${since}..`,
  });
}

function validity(version: Version): string {
  const from = shortTime(version.valid_from);
  if (version.operation === "DELETE") return `deleted ${from}`;
  if (version.valid_to === null) return `since ${from}`;
  const seconds = (Date.parse(version.valid_to) - Date.parse(version.valid_from)) / 1000;
  return `from ${from}, for ${span(seconds)}`;
}
