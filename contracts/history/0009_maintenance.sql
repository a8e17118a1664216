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

-- Which tables' rows go from the windows that end at or before a time. `rules` as store/maintenance.cpp writes them:
-- [schema, table, interval], the general one with nulls.
create function _bemi.tables_over(rules jsonb, before timestamptz)
returns table (schema text, "table" text) language sql stable set search_path = pg_catalog as $$
  with rule as (
    select r ->> 0 as schema, r ->> 1 as "table", before <= now() - (r ->> 2)::interval as over
    from jsonb_array_elements(rules) r
  )
  select distinct v.schema, v."table" from _bemi.relation_version v
  left join rule named on (named.schema, named."table") = (v.schema, v."table")
  where coalesce(named.over, (select g.over from rule g where g."table" is null), false)
$$;

-- Questions about these tables before that time are refused from then on; the rows that they had at that time
-- stay, as a checkpoint.
create function _bemi.forget_tables(rules jsonb, before timestamptz) returns void
language plpgsql set search_path = pg_catalog as $$
declare marked text;
begin
  perform _bemi.checkpoint(before);
  select m.name into marked from _bemi.mark m where m.effective_at < before and m.protected limit 1;
  if marked is not null then
    raise exception 'the mark % is protected, and older than %', marked, before
      using errcode = 'object_in_use', hint = 'bemi mark delete it, or keep the tables for longer';
  end if;
  delete from _bemi.mark m where m.effective_at < before;
  delete from _bemi.coverage c using _bemi.tables_over(rules, before) o
  where (o.schema, o."table") = (c.schema, c."table") and c.since < before;
  delete from _bemi.key_change k using _bemi.tables_over(rules, before) o
  where (o.schema, o."table") = (k.schema, k."table") and k.effective_at < before;
end $$;
