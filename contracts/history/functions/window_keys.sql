-- Which partitions may have changes of a key, or with a value in their context: all but those whose lists say that they
-- have none.

-- The same on every server and release: lists are kept for years.
create or replace function _bemi.key_hash("table" text, key text) returns int
language sql immutable parallel safe set search_path = pg_catalog, pg_temp as $$
  select ('x' || left(md5(concat("table", chr(10), key)), 8))::bit(32)::int
$$;

-- Of a value in a context, under its key, as a list has it; null for objects and arrays, which lists leave out. Equal
-- numbers are one value, however they are written.
create or replace function _bemi.context_hash(key text, value jsonb) returns int
language sql immutable parallel safe set search_path = pg_catalog, pg_temp as $$
  select case jsonb_typeof(value)
    when 'number' then _bemi.key_hash('', concat(key, chr(10), 'number', trim_scale((value #>> '{}')::numeric)))
    when 'string' then _bemi.key_hash('', concat(key, chr(10), 'string', value #>> '{}'))
    when 'boolean' then _bemi.key_hash('', concat(key, chr(10), value))
    when 'null' then _bemi.key_hash('', concat(key, chr(10), value)) end
$$;

-- Of a list: those of keys, and behind them fewer of contexts, of which nearly empty partitions have many.
create or replace function _bemi.key_bucket(hash int) returns int
language sql immutable parallel safe return hash & 1023;

create or replace function _bemi.context_bucket(hash int) returns int
language sql immutable parallel safe return 1024 + (hash & 127);

-- The lists that hold of partitions with a moment in the span: one holds as long as the partition is there, and with it
-- the trigger that takes the list back. Another table in the partition's place has no such trigger, and after
-- ENABLE TRIGGER it is not one that always fires.
create or replace function _bemi.kept_lists(from_time timestamptz default '-infinity',
  to_time timestamptz default 'infinity')
returns setof _bemi.listed_window
language sql stable set search_path = pg_catalog, pg_temp as $$
  select w.*
  from _bemi.listed_window w
  join pg_class c on c.relname = w."window"
  join pg_inherits i on i.inhrelid = c.oid and i.inhparent = '@schema@.changes'::regclass
  join pg_trigger g on g.tgrelid = c.oid and g.tgname = 'bemi_listed' and g.tgenabled = 'A'
  where w.to_time > kept_lists.from_time and w.from_time <= kept_lists.to_time
$$;

-- The spans of time that remain without others, the newest first. A plan over years of partitions costs more than the
-- probes, and the planner leaves out partitions by values that it knows: so the last days stand apart from what is
-- older.
create or replace function _bemi.times_but(others tstzmultirange, from_time timestamptz, to_time timestamptz)
returns table (since timestamptz, until timestamptz)
language sql immutable set search_path = pg_catalog, pg_temp as $$
  with steps as (
    select tstzrange(recent - back, recent - lag(back) over (order by back)) as times
    from (values (interval '3 days'), ('30 days'), ('300 days'), (null)) s (back),
      least(times_but.to_time, now()) recent
  )
  select lower(span), case when upper_inc(span) then upper(span) + interval '1 us' else coalesce(upper(span),
           'infinity') end
  from unnest(
    tstzmultirange(tstzrange(times_but.from_time, nullif(times_but.to_time, 'infinity'), '[]'))
    - coalesce(others, '{}')) r (times)
  cross join steps s cross join lateral (select r.times * s.times as span) p
  where not isempty(span)
  order by lower(span) desc
$$;

-- The spans in which any of the keys may have changes: a null one stands for what has no key.
create or replace function _bemi.times_of_keys(in_table text, keys text[], from_time timestamptz, to_time timestamptz)
returns table (since timestamptz, until timestamptz)
language sql stable set search_path = pg_catalog, pg_temp as $$
  with having_them as materialized (
    select distinct k."window"
    from (select distinct _bemi.key_hash(in_table, k.key) as hash from unnest(keys) k (key)) h
    join _bemi.window_keys k on k.bucket = _bemi.key_bucket(h.hash)
    where h.hash = any(k.hashes) and cardinality(keys) <= 100
  ), without_them as (
    select range_agg(tstzrange(w.from_time, w.to_time)) as times
    from _bemi.kept_lists(times_of_keys.from_time, times_of_keys.to_time) w
    where cardinality(keys) <= 100 and w."window" not in (select h."window" from having_them h)
  )
  select t.since, t.until
  from without_them w cross join lateral _bemi.times_but(w.times, times_of_keys.from_time, times_of_keys.to_time) t
$$;

-- The spans that may have changes with all of these contexts: each an array of alternatives, objects with one key.
create or replace function _bemi.times_of_contexts(contexts jsonb, from_time timestamptz, to_time timestamptz)
returns table (since timestamptz, until timestamptz)
language sql stable set search_path = pg_catalog, pg_temp as $$
  with said as materialized (
    select c.number, _bemi.context_hash(e.key, e.value) as hash
    from jsonb_array_elements(contexts) with ordinality c (alternatives, number)
    cross join lateral jsonb_array_elements(c.alternatives) a (alternative)
    cross join lateral jsonb_each(a.alternative) e
  ), told as materialized (  -- those that lists tell of, whichever alternative holds
    select s.number, array_agg(s.hash) as hashes from said s group by s.number having bool_and(s.hash is not null)
  ), having_them as materialized (
    select k."window" from told t cross join lateral unnest(t.hashes) h (hash)
    join _bemi.window_keys k on k.bucket = _bemi.context_bucket(h.hash)
    where h.hash = any(k.hashes)
    group by 1 having count(distinct t.number) = (select count(*) from told)
  ), without_them as (
    select range_agg(tstzrange(w.from_time, w.to_time)) as times
    from _bemi.kept_lists(times_of_contexts.from_time, times_of_contexts.to_time) w
    where w.contexts and exists (select from told) and w."window" not in (select h."window" from having_them h)
  )
  select t.since, t.until
  from without_them w
  cross join lateral _bemi.times_but(w.times, times_of_contexts.from_time, times_of_contexts.to_time) t
$$;

-- The times of a span in which a key may have changes, the newest first: partitions whose lists have it, and the times
-- that no list tells of. For many keys of one table: `unlisted` is looked up once.
create or replace function _bemi.times_with_key(in_table text, key text, span tstzrange, unlisted tstzmultirange)
returns tstzrange[] language plpgsql stable parallel safe set search_path = pg_catalog, pg_temp as $$
declare hash constant int := _bemi.key_hash(in_table, key);
begin
  return array(
    with having_it as materialized (
      select k."window" from _bemi.window_keys k where k.bucket = _bemi.key_bucket(hash) and hash = any(k.hashes)
    )
    select t.times from (
      select u.times from unnest(unlisted) u (times)
      union all
      select tstzrange(greatest(w.from_time, lower(span)), least(w.to_time, upper(span)))
      from having_it join _bemi.listed_window w using ("window")
      where w.from_time < upper(span) and w.to_time > lower(span)
        and not tstzrange(w.from_time, w.to_time) && unlisted
    ) t order by lower(t.times) desc);
end $$;

-- The newest change of a key in a span, under one name of its table. Each query names its times, so that the planner
-- opens few partitions: a plan over years of them costs more than all probes.
create or replace function _bemi.newest_of_key(in_source text, in_schema text, in_table text, key text, span tstzrange,
  unlisted tstzmultirange, from_place bigint[], to_place bigint[])
returns table (epoch int, commit_position bigint, sequence bigint, effective_at timestamptz, operation text,
               after jsonb, exact jsonb, fidelity jsonb)
language plpgsql stable parallel safe rows 1 cost 10000 set search_path = pg_catalog, pg_temp
set plan_cache_mode = force_custom_plan set jit = off as $$
declare
  times constant tstzrange[] := _bemi.times_with_key(in_table, key, span, unlisted);
  since timestamptz;
  until timestamptz;
begin
  for i in 1 .. cardinality(times) loop
    since := lower(times[i]);
    until := upper(times[i]);
    return query
    select c.epoch, c.commit_position, c.sequence, c.effective_at, c.operation, c.after, c.exact, c.fidelity
    from @schema@.changes c
    where c."table" = in_table and c.primary_key = key and c.schema = in_schema and c.source = in_source
      and c.effective_at >= since and c.effective_at < until
      and (from_place is null or array[c.epoch, c.commit_position, c.sequence] >= from_place)
      and (to_place is null or array[c.epoch, c.commit_position, c.sequence] < to_place)
    order by c.effective_at desc, c.commit_position desc, c.sequence desc limit 1;
    exit when found;
  end loop;
end $$;

-- All changes of a key under one name of its table.
create or replace function _bemi.changes_of_key(in_source text, in_schema text, in_table text, key text)
returns setof @schema@.changes language plpgsql stable set search_path = pg_catalog, pg_temp
set plan_cache_mode = force_custom_plan set jit = off as $$
declare spell record;
begin
  for spell in select * from _bemi.times_of_keys(in_table, array[key], '-infinity', 'infinity') loop
    return query
    select c.* from @schema@.changes c
    where c."table" = in_table and c.primary_key = key and c.schema = in_schema and c.source = in_source
      and c.effective_at >= spell.since and c.effective_at < spell.until;
  end loop;
end $$;

-- What emptied a table under one name.
create or replace function _bemi.truncations_of(in_source text, in_schema text, in_table text)
returns setof @schema@.changes language plpgsql stable set search_path = pg_catalog, pg_temp
set plan_cache_mode = force_custom_plan set jit = off as $$
declare spell record;
begin
  for spell in select * from _bemi.times_of_keys(in_table, array[null::text], '-infinity', 'infinity') loop
    return query
    select c.* from @schema@.changes c
    where c.operation = 'TRUNCATE' and c."table" = in_table and c.schema = in_schema and c.source = in_source
      and c.effective_at >= spell.since and c.effective_at < spell.until;
  end loop;
end $$;

-- A change that comes late: its partition's list is none any more.
create or replace function _bemi.unlist_window() returns trigger
language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
begin
  delete from _bemi.listed_window w where w."window" = tg_table_name;
  return null;
end $$;

-- By the owner, of a partition that is closed. Whoever writes into it meanwhile waits, and is noticed then.
create or replace function _bemi.list_keys(name text) returns void
language plpgsql set search_path = pg_catalog, pg_temp as $$
declare
  child constant text := format('%I.%I', (select d.schema from _bemi.destination d), name);
begin
  execute format('create or replace trigger bemi_listed after insert or update on %s '
                 'for each row execute function _bemi.unlist_window()', child);
  execute format('alter table %s enable always trigger bemi_listed', child);
  delete from _bemi.window_keys k where k."window" = name;
  execute format('insert into _bemi.window_keys (bucket, "window", hashes) '
                 'select _bemi.key_bucket(h.hash), %1$L, array_agg(h.hash) '
                 'from (select distinct _bemi.key_hash(c."table", c.primary_key) as hash from %2$s c) h group by 1 '
                 'union all '
                 'select _bemi.context_bucket(h.hash), %1$L, array_agg(h.hash) '
                 'from (select distinct _bemi.context_hash(e.key, e.value) as hash '
                 'from (select distinct c.context from %2$s c) c cross join lateral jsonb_each(c.context) e) h '
                 'where h.hash is not null group by 1', name, child);
  insert into _bemi.listed_window ("window", from_time, to_time, contexts)
  select w.name, w.from_time, w.to_time, true from _bemi.window w where w.name = list_keys.name
  on conflict ("window") do update
  set from_time = excluded.from_time, to_time = excluded.to_time, contexts = true, listed_at = now();
end $$;

-- Of a partition that is dropped.
create or replace function _bemi.forget_keys(name text) returns void
language sql set search_path = pg_catalog, pg_temp as $$
  delete from _bemi.listed_window w where w."window" = name;
  delete from _bemi.window_keys k where k."window" = name;
$$;
