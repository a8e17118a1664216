-- What became of the partitions of `changes` that were closed: archived, dropped.
create table _bemi.archive (
  "window" text primary key,
  from_time timestamptz not null,
  to_time timestamptz not null,
  rows bigint not null,
  bytes bigint not null,
  file text not null,
  archived_at timestamptz not null default now()
);

-- A window is noted before it is detached and dropped, so that one that was cut short is ended later.
create table _bemi.dropped_window (
  "window" text primary key,
  from_time timestamptz not null,
  to_time timestamptz not null,
  began_at timestamptz not null default now(),
  dropped_at timestamptz
);

-- What each worker's stages did in the last seconds in which they did anything; see bemi status --stages.
create table _bemi.stage (
  source text not null,
  place int not null,
  stage text not null,
  items bigint not null,
  bytes bigint not null,
  input_wait_us bigint not null,
  output_wait_us bigint not null,
  elapsed_us bigint not null,
  until timestamptz not null default now(),
  primary key (source, stage)
) with (fillfactor = 50);
