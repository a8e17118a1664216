-- The partitions of `changes`, and which tables are kept less long.

-- Each window of `changes`, the oldest first. `closed`: all sources have gone past it, so that nobody writes
-- into it any more.
create or replace view _bemi.window as
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
comment on view _bemi.window is 'The partitions of changes, and the state of each.';
comment on column _bemi.window.name is 'The partition''s name';
comment on column _bemi.window.from_time is 'The partition''s first moment';
comment on column _bemi.window.to_time is 'The first moment after the partition';
comment on column _bemi.window.closed is 'True once all sources have gone past it, so that nothing is written to it';
comment on column _bemi.window.sealed is 'True once it has the constraint bemi_sealed';
comment on column _bemi.window.detaching is 'True while it is being detached';
comment on column _bemi.window.restored is 'True if it was restored from an archive';
comment on column _bemi.window.archived is 'True if it has an archive file';
comment on column _bemi.window.bytes is 'The size with its indexes';

-- Which tables' rows go from the windows that end at or before a time. `rules` as store/maintenance.cpp writes them:
-- [schema, table, interval], the general one with nulls.
create or replace function _bemi.tables_over(rules jsonb, before timestamptz)
returns table (schema text, "table" text) language sql stable set search_path = pg_catalog, pg_temp as $$
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
create or replace function _bemi.forget_tables(rules jsonb, before timestamptz) returns void
language plpgsql set search_path = pg_catalog, pg_temp as $$
declare marked text;
begin
  perform _bemi.checkpoint(before);
  select m.name into marked from _bemi.mark m where m.effective_at < before and m.protected limit 1;
  if marked is not null then
    raise exception 'the mark % is protected, and older than %', marked, before
      using errcode = 'object_not_in_prerequisite_state', hint = 'bemi mark delete it, or keep the tables for longer';
  end if;
  delete from _bemi.mark m where m.effective_at < before;
  delete from _bemi.coverage c using _bemi.tables_over(rules, before) o
  where (o.schema, o."table") = (c.schema, c."table") and c.since < before;
  delete from _bemi.key_change k using _bemi.tables_over(rules, before) o
  where (o.schema, o."table") = (k.schema, k."table") and k.effective_at < before;
  delete from _bemi.key_pass p using _bemi.tables_over(rules, before) o
  where (o.schema, o."table") = (p.schema, p."table") and p.effective_at < before;
end $$;

-- The partition that takes a time, made where there is none; its name. By the owner, or by a superuser, who gives it to
-- the owner. A table of that name by another role is left alone: a role that may create in the schema must not be able
-- to keep the history from going on, so the partition then gets a name that nobody can foresee.
create or replace function _bemi.new_partition(at timestamptz) returns text
language plpgsql set search_path = pg_catalog, pg_temp set timezone = 'UTC' set lock_timeout = '10s' as $$
declare
  place constant text := (select d.schema from _bemi.destination d);
  unit constant text := (select d.partition_by from _bemi.destination d);
  from_time constant timestamptz := date_trunc(unit, at);
  name text := 'changes_' || to_char(from_time, case unit when 'day' then 'YYYY_MM_DD' when 'week'
    then 'IYYY"_w"IW'
                                                           else 'YYYY_MM' end);
  child text := format('%I.%I', place, name);
  owner constant regrole := (select c.relowner from pg_class c where c.oid = '@schema@.changes'::regclass);
  is_there bigint := to_regclass(child)::oid;
begin
  if exists (select from _bemi.window w where w.from_time <= at and at < w.to_time) then
    return (select w.name from _bemi.window w where w.from_time <= at and at < w.to_time);
  end if;
  if (select c.relowner from pg_class c where c.oid = is_there) <> owner then
    name := name || '_' || lpad(floor(random() * 1e9)::text, 9, '0');
    child := format('%I.%I', place, name);
    is_there := null;
  end if;
  -- Event triggers of the application run in here, and many look for their own functions without naming a schema. They
  -- must not find functions that anybody may create in `public`, because they run with the owner's rights here.
  if (select r.rolsuper from pg_roles r where r.rolname = current_user) then
    perform set_config('search_path', 'pg_catalog, public, pg_temp', true);
  end if;
  if is_there is null then
    execute format('create table %s (like @schema@.changes including defaults including constraints)', child);
    -- Not by a cast of the name, which would have to be quoted for it.
    if owner <> (select r.oid from pg_roles r where r.rolname = current_user)
      then execute format('alter table %s owner to %s', child, owner); end if;
  end if;
  perform _bemi.close_relation(child);
  execute format('alter table @schema@.changes attach partition %s for values from (%L) to (%L)', child, from_time,
                 from_time + ('1 ' || unit)::interval);
  return name;
end $$;

-- The same for the writer, who may make partitions, and nothing else of what an owner may.
create or replace function _bemi.make_partition(at timestamptz) returns text
language sql security definer set search_path = pg_catalog, pg_temp as $$
  select _bemi.new_partition(at)
$$;
