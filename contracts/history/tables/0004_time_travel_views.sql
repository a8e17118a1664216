-- The tables as they were, as views for an application's own queries: schema `time_travel` for `public`,
-- `time_travel_<schema>` for others. `bemi.refresh_time_travel()` makes them and keeps them up to date; it is
-- called by the worker, and may be called by anybody. A view joins the keys that its table ever had, typed
-- and indexed, with a probe of the history for each: conditions on a key become conditions on an index.

create table _bemi.view (
  id int generated always as identity primary key,
  source text not null,
  schema text not null,
  "table" text not null,
  relation bigint not null,
  view_schema text not null,
  made_of text,                    -- the definition that the view has
  columns jsonb not null default '[]',
  shown_as_text text[] not null default '{}',  -- columns whose type is not known here
  key_types text[] not null default '{}',      -- in the key's order; none: no key
  known_from timestamptz,          -- since when rows have this key
  keys_from_epoch int, keys_from_position bigint, keys_from_sequence bigint,
  shape_position bigint, shape_epoch int, shape_sequence bigint,
  changes bigint not null default 0,
  keys bigint not null default 0,
  baselines bigint not null default 0,
  until timestamptz,               -- the keys of all rows before this are known
  problem text,
  unique (source, schema, "table")
);

-- Tables of the source that are not tracked, with their columns: told by the worker.
create table _bemi.untracked (
  source text not null,
  schema text not null,
  "table" text not null,
  columns jsonb not null,  -- [[name, type], ...]; types that are not built in stand as text
  primary key (source, schema, "table")
);

create table _bemi.view_source (source text primary key, until timestamptz, versions bigint not null default 0);
