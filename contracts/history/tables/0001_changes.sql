-- The destination as DESIGN section 5 describes it. @schema@ is the schema of `changes`, quoted.
-- `_bemi` exists already: it holds the table of migrations.

-- Where the history lives, and how it is cut into partitions.
create table _bemi.destination (
  only_row boolean primary key default true check (only_row),
  schema text not null,
  partition_by text not null check (partition_by in ('day', 'week', 'month'))
);

-- One row a source. It is written in the transaction that stores the changes: `position` is
-- the end of the last source transaction that is durable here, never more.
create table _bemi.source (
  name text primary key,
  database text not null,
  slot text not null,
  publication text not null,
  -- creating: the slot is being made, nothing was stored; a crash here starts over.
  state text not null check (state in ('creating', 'streaming', 'stopped')),
  system_identifier text,
  timeline int,
  epoch int not null default 1,
  consistent_point pg_lsn,
  position pg_lsn,
  effective_at timestamptz,
  advanced_at timestamptz,
  last_change_at timestamptz,
  transactions bigint not null default 0,
  changes bigint not null default 0,
  changes_with_context bigint not null default 0,
  contexts_rejected bigint not null default 0,
  created_at timestamptz not null default now()
) with (fillfactor = 50);

-- From position to position nothing, or not everything, is known.
create table _bemi.gap (
  id bigint generated always as identity primary key,
  source text not null,
  epoch int not null,
  reason text not null,
  from_position pg_lsn,
  to_position pg_lsn,
  detected_at timestamptz not null default now(),
  accepted_at timestamptz
);
create unique index gap_open on _bemi.gap (source, epoch, reason) where accepted_at is null;

-- What could not be stored as what it is, with its bytes.
create table _bemi.parked (
  id bigint generated always as identity primary key,
  source text not null,
  epoch int not null,
  commit_position bigint not null,
  sequence bigint not null,
  transaction_id bigint not null,
  what text not null check (what in ('context', 'change')),
  reason text not null,
  content bytea not null,
  parked_at timestamptz not null default now()
);

-- Each tracked table's shape, from a position on; columns as src/change/relation_json.hpp says.
create table _bemi.relation_version (
  source text not null,
  epoch int not null,
  position bigint not null,
  relation bigint not null,
  schema text not null,
  "table" text not null,
  replica_identity text not null,
  columns jsonb not null,
  primary_key text[] not null,
  leaves jsonb not null default '[]',  -- of a partitioned table: its leaves' OIDs
  assumed boolean not null,
  dropped boolean not null default false,
  sequence bigint not null default 0,
  effective_at timestamptz not null default '-infinity',
  recorded_at timestamptz not null default now(),
  primary key (source, relation, epoch, position, sequence)
);

create table @schema@.changes (
  id uuid not null,
  source text not null,
  database text not null,
  schema text not null,
  "table" text not null,
  primary_key text,
  operation text not null,
  before jsonb not null default '{}',
  after jsonb not null default '{}',
  context jsonb not null default '{}',
  committed_at timestamptz not null,
  effective_at timestamptz not null,
  queued_at timestamptz not null,
  created_at timestamptz not null default clock_timestamp(),
  transaction_id bigint not null,
  position bigint not null,
  epoch int not null,
  commit_position bigint not null,
  sequence bigint not null,
  exact jsonb,
  fidelity jsonb,
  primary key (id, effective_at)
) partition by range (effective_at);

-- One record's history; what a context did; a time range in commit order (the feed's order too).
create index changes_record on @schema@.changes ("table", primary_key, effective_at, commit_position, sequence);
create index changes_context on @schema@.changes using gin (context jsonb_path_ops);
create index changes_time on @schema@.changes (effective_at, commit_position, sequence);

comment on table @schema@.changes is 'Every change of the tracked tables, kept by Bemi. Append-only.';
