-- What is needed to answer for the past: since when each table is known whole, where a row changed
-- its key, and the functions in schema `bemi`. Owned by Bemi's writer role; they run with the rights
-- of who asks.

-- Positions rise within an epoch. Nothing is known of what happened between previous_until and the
-- epoch's baseline.
create table _bemi.epoch (
  source text not null,
  epoch int not null,
  consistent_point pg_lsn not null,
  previous_until timestamptz,
  baseline boolean not null,
  began_at timestamptz not null,
  primary key (source, epoch)
);

-- Since when a table is in the history; `whole`: with the rows that it had then. The newest row up to a time
-- says what is known at that time: rows can come and go without a word (a partition that is attached or
-- dropped), until a new baseline is taken.
create table _bemi.coverage (
  source text not null,
  epoch int not null,
  relation bigint not null,
  schema text not null,
  "table" text not null,
  position bigint not null,
  since timestamptz not null,
  whole boolean not null,
  membership bigint,  -- in the publication: one that was taken out and put back has another
  rows_at timestamptz,  -- where a baseline's rows stand in time
  checkpoint boolean not null default false,  -- rows of one moment that were written from the history itself
  changes_before bigint,  -- about how many changes the table had until then; of a checkpoint
  primary key (source, epoch, relation, schema, "table", position)
);
create index relation_version_name on _bemi.relation_version (schema, "table");

-- A row that had one key and has another since.
create table _bemi.key_change (
  source text not null,
  schema text not null,
  "table" text not null,
  previous_key text not null,
  epoch int not null,
  commit_position bigint not null,
  sequence bigint not null,
  effective_at timestamptz not null,
  primary key ("table", previous_key, effective_at, epoch, commit_position, sequence, source, schema)
);
-- From a change to the key that its row had before.
create index key_change_time on _bemi.key_change (effective_at, commit_position, sequence);

-- What empties or alters a table, found without reading its rows.
create index changes_truncate on @schema@.changes ("table", effective_at) where operation = 'TRUNCATE';
create index changes_schema on @schema@.changes ("table", effective_at) where operation = 'SCHEMA';

insert into _bemi.epoch
select name, epoch, coalesce(consistent_point, '0/0'), null, false, created_at from _bemi.source;
insert into _bemi.coverage
select source, epoch, relation, schema, "table", min(position), min(recorded_at), false
from _bemi.relation_version group by 1, 2, 3, 4, 5;

create type bemi.row_version as (
  primary_key text, "row" jsonb, exact jsonb, fidelity jsonb, operation text, effective_at timestamptz,
  context jsonb
);

-- A table as of a time: found by the name that it had then, or by one that it got later.
create type _bemi.place as (
  source text, epoch int, relation bigint, schema text, "table" text, at timestamptz,
  since bigint,    -- what is older than this position is not among its rows
  columns jsonb,   -- its shape at that time
  mixed boolean,   -- it had other shapes before
  since_time timestamptz  -- nothing of that is older than this
);
