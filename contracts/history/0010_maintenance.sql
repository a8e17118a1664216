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

-- Each window of `changes`, the oldest first. `closed`: all sources have gone past it, so that nobody writes
-- into it any more.
create view _bemi.window as
select c.relname as name, w.from_time, w.to_time,
       w.to_time <= coalesce((select min(s.effective_at) from _bemi.source s), '-infinity') as closed,
       exists (select from pg_constraint k where k.conrelid = c.oid and k.conname = 'bemi_sealed') as sealed,
       i.inhdetachpending as detaching,
       coalesce(obj_description(c.oid, 'pg_class') like 'Restored from an archive%', false) as restored,
       exists (select from _bemi.archive a where a."window" = c.relname) as archived,
       pg_total_relation_size(c.oid) as bytes
from pg_inherits i
join pg_class c on c.oid = i.inhrelid
cross join lateral (
  select bound[1]::timestamptz as from_time, bound[2]::timestamptz as to_time
  from regexp_match(pg_get_expr(c.relpartbound, c.oid), $$FROM \('([^']*)'\) TO \('([^']*)'\)$$) bound
) w
where i.inhparent = '@schema@.changes'::regclass
order by w.from_time;
comment on view _bemi.window is 'The partitions of changes, and what may be done with each.';

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
