// SPDX-License-Identifier: LGPL-3.0-or-later
// The tables and columns to track.
import type { CheckedSource } from "../../api.ts";
import { Icon } from "../../components/icons.tsx";
import { Notice } from "../../components/states.tsx";
import { bytes, count } from "../../time.ts";

type Candidate = CheckedSource["tables"][number];

/** Patterns of tables and columns, as the API takes them. */
export interface Selected {
  exclude: readonly string[];
  ignore_columns: readonly string[];
  redact_columns: readonly string[];
}

export const ALL_TABLES: Selected = { exclude: [], ignore_columns: [], redact_columns: [] };

/** A name as a pattern: * and ? have a meaning in one. */
const pattern = (...names: string[]) => names.map((name) => name.replace(/[*?\\]/g, "?")).join(".");

const toggled = (list: readonly string[], value: string): readonly string[] =>
  list.includes(value) ? list.filter((one) => one !== value) : [...list, value];

interface Props {
  selected: Selected;
  onChange: (selected: Selected) => void;
}

export function ChooseTables({ tables, selected, onChange }: Props & { tables: Candidate[] }) {
  const candidates = tables.filter(({ tracked }) => tracked);
  if (candidates.length === 0) {
    return <Notice>There are no tables yet. Bemi tracks new tables from their creation.</Notice>;
  }
  const isOn = ({ schema, table }: Candidate) => !selected.exclude.includes(pattern(schema, table));
  return (
    <div>
      <h3>
        {count(candidates.filter(isOn).length)} of {count(candidates.length)} tables selected, and all new
        tables
      </h3>
      <div class="choose">
        {candidates.map((table) => (
          <TableLine
            key={pattern(table.schema, table.table)}
            table={table}
            isOn={isOn(table)}
            selected={selected}
            onChange={onChange}
          />
        ))}
      </div>
    </div>
  );
}

function TableLine({
  table: candidate,
  isOn,
  selected,
  onChange,
}: Props & { table: Candidate; isOn: boolean }) {
  const { schema, table, bytes: size, columns } = candidate;
  const names = columns.map((column): [string, string] => [column, pattern(schema, table, column)]);
  const toggle = (list: keyof Selected) => (name: string) =>
    onChange({ ...selected, [list]: toggled(selected[list], name) });
  return (
    <div class="choose-line">
      <input
        type="checkbox"
        aria-label={`Track ${schema}.${table}`}
        checked={isOn}
        onChange={() => toggle("exclude")(pattern(schema, table))}
      />
      <details>
        <summary>
          <span class="ellipsis">
            {schema === "public" ? "" : `${schema}.`}
            {table}
          </span>
          <span class="spacer" />
          <span class="muted number">{bytes(size)}</span>
          <Icon name="down" size={13} />
        </summary>
        <p class="muted">Ignore updates that change only these columns:</p>
        <Columns
          names={names}
          chosen={selected.ignore_columns}
          choose={toggle("ignore_columns")}
          isOff={!isOn}
        />
        <p class="muted">Never store the values of these columns:</p>
        <Columns
          names={names}
          chosen={selected.redact_columns}
          choose={toggle("redact_columns")}
          isOff={!isOn}
        />
      </details>
    </div>
  );
}

function Columns(props: {
  names: [string, string][];
  chosen: readonly string[];
  choose: (name: string) => void;
  isOff: boolean;
}) {
  return (
    <div class="row wrap">
      {props.names.map(([column, name]) => (
        <button
          type="button"
          key={name}
          class="button small"
          aria-pressed={props.chosen.includes(name)}
          disabled={props.isOff}
          onClick={() => props.choose(name)}
        >
          {column}
        </button>
      ))}
    </div>
  );
}
