-- The tables as they were, as views for an application's own queries: schema `time_travel` for `public`,
-- `time_travel_<schema>` for others. `bemi.refresh_time_travel()` makes them and keeps them up to date; it is
-- called by the worker. A view joins the keys that its table ever had, typed and indexed, with a probe of the
-- history for each: conditions on a key become conditions on an index.

-- The key's columns as they are told apart over time.
create or replace function _bemi.key_signature(version _bemi.relation_version) returns jsonb
language sql immutable set search_path = pg_catalog, pg_temp as $$
  select coalesce(jsonb_agg(jsonb_build_array(coalesce(c -> 'number', c -> 'name'), c -> 'type_oid')
    order by k.place), '[]')
  from unnest(version.primary_key) with ordinality as k (name, place)
  join jsonb_array_elements(version.columns) c on c ->> 'name' = k.name
$$;

-- The first of the versions since which the table has the key that it has now.
create or replace function _bemi.key_begins(version _bemi.relation_version, out begins _bemi.relation_version,
  out is_first boolean)
language sql stable set search_path = pg_catalog, pg_temp as $$
  with versions as (
    select v, v.epoch, v.position, v.sequence,
           sum(case when _bemi.key_signature(v) = _bemi.key_signature(version) then 0 else 1 end)
             over (order by v.epoch desc, v.position desc, v.sequence desc) as others
    from _bemi.relation_version v
    where v.source = version.source and v.relation = version.relation and not v.dropped
  )
  select s.v, not exists (select from versions o where o.others > 0)
  from versions s where s.others = 0 order by s.epoch, s.position, s.sequence limit 1
$$;

create or replace function _bemi.make_key_table(v _bemi.view) returns void
language plpgsql set search_path = pg_catalog, pg_temp as $$
declare columns text := ''; names text := '';
begin
  execute format('drop table if exists _bemi.key_%s cascade', v.id);
  for i in 1 .. cardinality(v.key_types) loop
    columns := columns || format(', c%s %s', i, v.key_types[i]);
    names := names || case when i > 1 then ', ' else '' end || 'c' || i;
  end loop;
  execute format('create table _bemi.key_%s (primary_key text primary key%s)', v.id, columns);
  execute format('create index on _bemi.key_%s (%s) include (primary_key)', v.id, names);
  perform _bemi.close_relation(format('_bemi.key_%s', v.id));
end $$;

-- The definition of a view, by the newest description of its table.
create or replace function _bemi.described_view(v _bemi.view, version _bemi.relation_version) returns _bemi.view
language plpgsql stable set search_path = pg_catalog, pg_temp as $$
declare begins record := _bemi.key_begins(version); first _bemi.relation_version := begins.begins;
begin
  v.relation := version.relation;
  v.columns := version.columns;
  v.key_types := array(
    select coalesce(_bemi.type_here(c), 'text') from unnest(version.primary_key) with ordinality as k (name, place)
    join jsonb_array_elements(version.columns) c on c ->> 'name' = k.name order by k.place);
  v.shown_as_text := array(
    select c ->> 'name' from jsonb_array_elements(version.columns) c where _bemi.type_here(c) is null);
  v.known_from := case when not begins.is_first then first.effective_at end;
  v.keys_from_epoch := case when begins.is_first then 0 else first.epoch end;
  v.keys_from_position := case when begins.is_first then 0 else first.position end;
  v.keys_from_sequence := case when begins.is_first then 0 else first.sequence end;
  v.shape_epoch := version.epoch;
  v.shape_position := version.position;
  v.shape_sequence := version.sequence;
  return v;
end $$;

-- Whether views ask the lists of keys: worth it with many closed partitions, as long as maintenance keeps up with their
-- lists. Null: either is as good, so that no view is made anew over and over.
create or replace function _bemi.views_by_lists() returns boolean
language sql stable set search_path = pg_catalog, pg_temp as $$
  select case when count(l."window") > 100 and count(*) - count(l."window") <= 5 then true
           when count(l."window") < 50 or count(*) - count(l."window") > 20 then false end
  from pg_inherits i join pg_class c on c.oid = i.inhrelid left join _bemi.listed_window l on l."window" = c.relname
  where i.inhparent = '@schema@.changes'::regclass
$$;

create or replace function _bemi.is_by_lists(v _bemi.view) returns boolean
language sql immutable set search_path = pg_catalog, pg_temp as $$
  select coalesce(v.made_with like '% by lists', false)
$$;

-- Makes a view again when its table has changed. If the destination refuses it, this is noted, and the view says so.
create or replace function _bemi.settle_view(in_source text, in_schema text, in_table text, in_relation bigint)
returns void language plpgsql set search_path = pg_catalog, pg_temp as $$
declare
  had _bemi.view;
  v _bemi.view;
  newest _bemi.relation_version;
  by_lists boolean := _bemi.views_by_lists();
begin
  select * into newest from _bemi.relation_version n
  where n.source = in_source and n.relation = in_relation and not n.dropped
  order by n.epoch desc, n.position desc, n.sequence desc limit 1;
  insert into _bemi.view (source, schema, "table", relation, view_schema)
  values (in_source, in_schema, in_table, in_relation, _bemi.view_schema(in_source, in_schema, in_table))
  on conflict do nothing;
  select * into had from _bemi.view w where (w.source, w.schema, w."table") = (in_source, in_schema, in_table);
  by_lists := coalesce(by_lists, _bemi.is_by_lists(had));
  begin
    v := _bemi.described_view(had, newest);
    v.view_schema := _bemi.view_schema(in_source, in_schema, in_table);
    v := _bemi.made_view(had, v, newest, by_lists);
    v.problem := null;
  exception
    -- A problem of the moment, not of this table: the caller reports it and tries again.
    when deadlock_detected or out_of_memory or disk_full then raise;
    when others then
      v := had;
      v.problem := sqlerrm; v.made_of := null; v.until := null;
      v.relation := newest.relation;
      v.shape_epoch := newest.epoch; v.shape_position := newest.position; v.shape_sequence := newest.sequence;
  end;
  v.made_with := (select f.sha256 from _bemi.function_set f) || case when by_lists then ' by lists' else '' end;
  v.tried_at := clock_timestamp();
  delete from _bemi.view w where w.id = v.id;
  insert into _bemi.view overriding system value select v.*;
end $$;

-- In the place of the one that is there, so that views upon it stay; where its columns forbid that, anew.
create or replace function _bemi.put_view(had _bemi.view, v _bemi.view, definition text) returns void
language plpgsql set search_path = pg_catalog, pg_temp as $$
begin
  perform _bemi.make_schema(v.view_schema);
  if had.view_schema = v.view_schema then
    begin
      execute regexp_replace(definition, '^create view', 'create or replace view');
      return;
    exception when invalid_table_definition then null;
    end;
  end if;
  execute format('drop view if exists %I.%I', had.view_schema, had."table");
  execute format('drop view if exists %I.%I', v.view_schema, v."table");
  execute definition;
end $$;

create or replace function _bemi.made_view(had _bemi.view, v _bemi.view, newest _bemi.relation_version,
  by_lists boolean)
returns _bemi.view language plpgsql set search_path = pg_catalog, pg_temp as $$
declare definition text;
begin
  if had.made_of is null or (had.relation, had.key_types, had.keys_from_epoch, had.keys_from_position,
    had.keys_from_sequence)
     is distinct from (v.relation, v.key_types, v.keys_from_epoch, v.keys_from_position, v.keys_from_sequence) then
    perform _bemi.make_schema(had.view_schema);  -- or refuses one that is another's
    execute format('drop view if exists %I.%I', had.view_schema, had."table");
    if cardinality(v.key_types) > 0 then perform _bemi.make_key_table(v); end if;
    v.until := null; v.keys := 0; v.changes := 0; v.made_of := null;
  end if;
  definition := format('create view %I.%I as %s', v.view_schema, v."table",
                       case when cardinality(v.key_types) > 0 then _bemi.keyed_view(v, newest, by_lists)
                         else _bemi.keyless_view(v, newest) end);
  if definition is distinct from v.made_of then
    perform _bemi.put_view(had, v, definition);
    perform _bemi.close_relation(format('%I.%I', v.view_schema, v."table"));
    execute format('comment on view %I.%I is %L', v.view_schema, v."table",
                   format('%I.%I as of the time in bemi.as_of; made by Bemi', v.schema, v."table"));
    v.made_of := definition;
  end if;
  return v;
end $$;

-- A name that PostgreSQL would cut is cut here, and told from others that begin alike. python/src/bemi/past.py and
-- src/query/checkout.cpp do the same.
create or replace function _bemi.fitting_name(name text, always boolean default false) returns text
language sql stable set search_path = pg_catalog, pg_temp as $$
  select case when octet_length(name) <= 63 and not always then name
    else substr((repeat('x', 9) || name)::name::text, 10) || '_' || left(md5(name), 8) end
$$;

-- Two sources or schemas whose names, put together, read alike are kept apart.
create or replace function _bemi.view_schema(in_source text, in_schema text, in_table text) returns text
language sql stable set search_path = pg_catalog, pg_temp as $$
  select _bemi.fitting_name(n.name, exists (
           select from _bemi.view o where o.view_schema = _bemi.fitting_name(n.name) and o."table" = in_table
             and (o.source, o.schema) <> (in_source, in_schema)))
  from (select 'time_travel' || case when count(distinct v.source) > 1 then '_' || in_source else '' end
               || case when in_schema = 'public' then '' else '_' || in_schema end as name
        from _bemi.relation_version v where v.schema = in_schema and v."table" = in_table) n
$$;

-- Keys of the rows that changed since, into the view's table of keys.
create or replace function _bemi.gather_keys(v _bemi.view, since timestamptz) returns _bemi.view
language plpgsql set search_path = pg_catalog, pg_temp as $$
declare
  conditions text;
  parts text := '';
  done record;
begin
  select string_agg('(' || _bemi.segment_condition('c', v.source, s.schema, s."table", s.is_first, s.starts, s.ends,
                                                  s.is_first and s.is_last) || ')', ' or ')
  into conditions from _bemi.view_segments(v.source, v.relation) s;
  for i in 1 .. cardinality(v.key_types) loop
    parts := parts || case when cardinality(v.key_types) = 1 then format(', primary_key::%s', v.key_types[1])
                        else format(', (primary_key::jsonb ->> %s)::%s', i - 1, v.key_types[i]) end;
  end loop;
  execute format(
    'with tail as materialized (select c.primary_key from @schema@.changes c where (%s) and c.effective_at >= $1 '
    'and c.primary_key is not null and c.operation in (''CREATE'', ''UPDATE'', ''SNAPSHOT'') '
    'and (c.epoch, c.commit_position, c.sequence) >= ($2, $3, $4)), '
    'added as (insert into _bemi.key_%s select t.primary_key%s from (select distinct primary_key from tail) t '
    'where not exists (select from _bemi.key_%2$s k '
    'where k.primary_key = t.primary_key) on conflict do nothing returning 1) '
    'select (select count(*) from tail) as changes, (select count(*) from added) as keys, '
    '(select bool_or(length(primary_key) > 70 and primary_key ~ ''.sha256:[0-9a-f]{64}("\])?$'') '
    'from tail) as named', conditions, v.id, parts)
  into done using since, v.keys_from_epoch, v.keys_from_position, v.keys_from_sequence;
  -- The name of a long key is not its value (docs/adr/0006-long-keys.md).
  if done.named then
    raise exception 'rows of this table have keys beyond 2,000 bytes, which a view cannot show';
  end if;
  v.changes := v.changes + done.changes;
  -- The planner must know a table that has grown manifold.
  if v.keys + done.keys > 2 * v.keys + 100 then execute format('analyze _bemi.key_%s', v.id); end if;
  v.keys := v.keys + done.keys;
  return v;
end $$;

-- Until when the keys of its rows are known. Of a table that nothing happened to, as far as its source is known.
create or replace function _bemi.view_until(v _bemi.view) returns timestamptz
language sql stable parallel safe set search_path = pg_catalog, pg_temp as $$
  select t.until from bemi.time_travel_tables t where (t.source, t.schema, t."table") = (v.source, v.schema, v."table")
$$;

-- Which baselines there are, in few bytes.
create or replace function _bemi.baselines_seen(in_source text) returns text
language sql stable set search_path = pg_catalog, pg_temp as $$
  select format('%s:%s', count(*), sum(c.relation)) from _bemi.coverage c
  where c.source = in_source and c.rows_at is not null
$$;

-- The views whose keys are not all gathered, and since when. `was`: until when those of all others are.
create or replace function _bemi.views_to_gather(in_source text, was timestamptz, is_each boolean)
returns table (id int, since timestamptz, baselines bigint)
language plpgsql stable rows 100 set search_path = pg_catalog, pg_temp as $$
begin
  -- Made now, or the rows from before it was tracked have come.
  if is_each then
    return query
    select v.id, '-infinity'::timestamptz, coalesce(b.number, 0)
    from _bemi.view v
    left join (select c.relation, count(*) as number from _bemi.coverage c
               where c.source = in_source and c.rows_at is not null group by 1) b on b.relation = v.relation
    where v.source = in_source and v.problem is null and (v.until is null or v.baselines <> coalesce(b.number, 0));
  end if;
  return query
  select distinct on (v.id) v.id, greatest(v.until, was), v.baselines
  from (select c.schema, c."table", max(c.effective_at) as newest from @schema@.changes c
        where c.effective_at >= was and c.source = in_source group by 1, 2) t
  join _bemi.relation_version r on (r.source, r.schema, r."table") = (in_source, t.schema, t."table") and not r.dropped
  join _bemi.view v on v.source = in_source and v.relation = r.relation
  where v.problem is null and t.newest >= v.until and cardinality(v.key_types) > 0;
end $$;

-- The keys of one source that are new, of so many views. Tells of how many they are still to be gathered.
create or replace function _bemi.gather_source(in_source text, known_until timestamptz, at_most int)
returns bigint language plpgsql set search_path = pg_catalog, pg_temp as $$
declare
  s constant _bemi.view_source := (select w from _bemi.view_source w where w.source = in_source);
  baselines_now constant text := _bemi.baselines_seen(in_source);
  is_each constant boolean := s.baselines is distinct from baselines_now
    or exists (select from _bemi.view v where v.source = in_source and v.until is null and v.problem is null);
  part record;
  v _bemi.view;
  seen bigint := 0;
  behind timestamptz := known_until;
begin
  for part in
    select * from (select distinct on (g.id) g.* from _bemi.views_to_gather(in_source, s.until, is_each) g
                   order by g.id, g.since) f
    order by f.since, f.id
  loop
    seen := seen + 1;
    if seen > at_most then
      -- One that was never gathered has no time of its own, and holds up no other.
      if part.since > '-infinity' then behind := least(behind, part.since); end if;
      continue;
    end if;
    select * into v from _bemi.view w where w.id = part.id;
    begin
      if cardinality(v.key_types) > 0 then v := _bemi.gather_keys(v, part.since); end if;
      update _bemi.view w set until = known_until, changes = v.changes, keys = v.keys, baselines = part.baselines
      where w.id = v.id;
    exception
      when deadlock_detected or out_of_memory or disk_full then raise;
      when others then
        update _bemi.view w set problem = sqlerrm, made_of = null, until = null, tried_at = clock_timestamp()
        where w.id = v.id;
    end;
  end loop;
  update _bemi.view_source w set until = behind, baselines = case when seen <= at_most then baselines_now end
  where w.source = in_source;
  return greatest(seen - at_most, 0);
end $$;

-- A role that may read the history may read the views and their keys, and call their functions. An object of another
-- role in a view's place is not ours to grant.
create or replace function _bemi.grant_views(in_source text, everything boolean) returns void
language plpgsql set search_path = pg_catalog, pg_temp as $$
declare
  now_granted constant text := (select format('%s of %s and keys', c.relacl, (select max(v.tried_at) from _bemi.view v))
                                from pg_class c where c.oid = '@schema@.changes'::regclass);
  reader regrole;
  statement text;
begin
  if not everything and now_granted = (select w.granted from _bemi.view_source w where w.source = in_source) then
    return;
  end if;
  for reader in
    select a.grantee::regrole from pg_class c cross join lateral aclexplode(c.relacl) a
    where c.oid = '@schema@.changes'::regclass and a.privilege_type = 'SELECT' and a.grantee <> c.relowner
      and a.grantee <> 0
  loop
    perform _bemi.grant_functions('reader', (select r.rolname from pg_roles r where r.oid = reader));
    for statement in
      with ours as (
        select n.oid as place, n.nspname, c.oid, c.relname from _bemi.view w
        join pg_namespace n on n.nspname = w.view_schema join pg_class c on c.relnamespace = n.oid
          and c.relname = w."table"
        where (select r.oid from pg_roles r where r.rolname = current_user) = all (array[c.relowner, n.nspowner])
      )
      select format('grant usage on schema %I to %s', o.nspname, reader) from ours o
      where not has_schema_privilege(reader::oid, o.place, 'usage') group by o.nspname
      union all
      select format('grant select on %s to %s', string_agg(format('%I.%I', o.nspname, o.relname), ', '), reader)
      from ours o where not has_table_privilege(reader::oid, o.oid, 'select') having count(*) > 0
      union all
      select format('grant select on %s to %s', string_agg(k.oid::regclass::text, ', '), reader)
      from (select to_regclass('_bemi.key_' || w.id)::oid as oid from _bemi.view w) k
      where not has_table_privilege(reader::oid, k.oid, 'select') having count(*) > 0
    loop
      execute statement;
    end loop;
  end loop;
  update _bemi.view_source w set granted = now_granted where w.source = in_source;
end $$;

-- The schema must be ours: the owner of an existing one could change it under its readers.
create or replace function _bemi.make_schema(name text) returns void
language plpgsql set search_path = pg_catalog, pg_temp as $$
declare owner oid := (select n.nspowner from pg_namespace n where n.nspname = name);
begin
  if owner is null then
    execute format('create schema %I', name);
    perform _bemi.close_schema(name);
  elsif owner <> (select r.oid from pg_roles r where r.rolname = current_user) then
    raise exception 'the schema % belongs to %, and not to Bemi', name, owner::regrole
      using errcode = 'insufficient_privilege', hint = 'rename it';
  end if;
end $$;

-- A view for each table that is not tracked, which says so; makes so many. Tells whether that was all.
create or replace function _bemi.settle_untracked(in_source text, at_most int) returns boolean
language plpgsql set search_path = pg_catalog, pg_temp as $$
declare u record; list text; made int := 0;
begin
  for u in
    select n.*, _bemi.fitting_name('time_travel' || case when n.schema = 'public' then '' else '_' || n.schema end)
             as view_schema
    from _bemi.untracked n where n.source = in_source
      and not exists (select from _bemi.view v where v.schema = n.schema and v."table" = n."table")
  loop
    if made = at_most then return false; end if;
    -- With their types, so that a query fails for what it asks, and not for an operator.
    select coalesce(string_agg(format('null::%s as %I', coalesce(t.oid::regtype::text, 'text'), c ->> 0), ', '
                               order by number), 'null::text as untracked') into list
    from jsonb_array_elements(u.columns) with ordinality as c (c, number)
    left join pg_type t on t.typnamespace = 'pg_catalog'::regnamespace and t.oid = to_regtype(c ->> 1);
    begin
      if _bemi.settle_untracked_view(u.view_schema, u.schema, u."table", list) then made := made + 1; end if;
    exception when others then
      raise warning 'there is no view of %.%: %', u.schema, u."table", sqlerrm;
    end;
  end loop;
  return true;
end $$;

-- The untracked tables, in few bytes: when they change, the worker writes all of them again.
create or replace function _bemi.untracked_seen(in_source text) returns text
language sql stable set search_path = pg_catalog, pg_temp as $$
  select format('%s:%s', count(*), max(u.xmin::text::bigint)) from _bemi.untracked u where u.source = in_source
$$;

-- Tells whether it had to be made.
create or replace function _bemi.settle_untracked_view(view_schema text, in_schema text, in_table text, list text)
returns boolean language plpgsql set search_path = pg_catalog, pg_temp as $$
declare place text := format('%I.%I', view_schema, in_table);
begin
  if to_regclass(place) is not null and list = (
      select coalesce(string_agg(format('null::%s as %I', a.atttypid::regtype, a.attname), ', ' order by a.attnum), '')
      from pg_attribute a where a.attrelid = to_regclass(place) and a.attnum > 0 and not a.attisdropped) then
    return false;
  end if;
  perform _bemi.make_schema(view_schema);
  execute format('drop view if exists %s', place);
  -- Behind a fence: a condition on a null would be found false, and nobody would be told.
  execute format('create view %s as select %s where _bemi.refuse_untracked(%L) offset 0', place, list,
                 format('%I.%I', in_schema, in_table));
  perform _bemi.close_relation(place);
  return true;
end $$;

-- The views that are not as their tables are, and all others, the ones first that were looked at longest ago. What
-- could not be made is due again after five minutes.
create or replace function _bemi.views_by_need(in_source text)
returns table (schema text, "table" text, relation bigint, is_due boolean, tried_at timestamptz)
language sql stable set search_path = pg_catalog, pg_temp as $$
  with named as (
    select distinct on (v.schema, v."table") v.schema, v."table", v.relation from _bemi.relation_version v
    where v.source = in_source and not v.dropped
    order by v.schema, v."table", v.epoch desc, v.position desc, v.sequence desc
  ), shape as (
    select distinct on (v.relation) v.relation, v.epoch, v.position, v.sequence from _bemi.relation_version v
    where v.source = in_source and not v.dropped
    order by v.relation, v.epoch desc, v.position desc, v.sequence desc
  )
  select n.schema, n."table", n.relation,
         w.id is null or w.relation <> n.relation 
           or w.made_with is distinct from f.sha256 || case when coalesce(lists.are_asked, _bemi.is_by_lists(w))
             then ' by lists' else '' end
           or (w.shape_epoch, w.shape_position, w.shape_sequence) is distinct from (s.epoch, s.position, s.sequence)
           or w.made_of is null and (w.problem is null or w.tried_at < now() - interval '5 minutes')
           or case when several.are then w.view_schema <> _bemi.view_schema(in_source, n.schema, n."table")
                else false end,
         w.tried_at
  from named n join shape s using (relation) cross join _bemi.function_set f
  cross join (select count(*) > 1 as are from _bemi.source) several
  cross join (select _bemi.views_by_lists() as are_asked) lists
  left join _bemi.view w on (w.source, w.schema, w."table") = (in_source, n.schema, n."table")
$$;

-- Makes so many of a source's views that are due, and looks at others if wanted. Tells how many are left to make.
create or replace function _bemi.settle_views(in_source text, versions_now bigint, everything boolean, at_most int)
returns bigint language plpgsql set search_path = pg_catalog, pg_temp as $$
declare one record; due bigint := 0; settled int := 0;
begin
  for one in
    select n.* from _bemi.views_by_need(in_source) n where n.is_due or everything
    order by n.is_due desc, n.tried_at nulls first, n.schema, n."table"
  loop
    if one.is_due then due := due + 1; end if;
    continue when settled = at_most;
    perform _bemi.settle_view(in_source, one.schema, one."table", one.relation);
    settled := settled + 1;
  end loop;
  if due <= settled then
    update _bemi.view_source w set versions = versions_now where w.source = in_source;
  end if;
  return greatest(due - settled, 0);
end $$;

-- Makes the views of the tracked tables, and brings them up to date with the history: those of fifty tables in a call,
-- since each takes locks until its end. Tells for how many tables there is work left. Quick when nothing is new.
-- Runs as the history's owner, and casts to types of pg_catalog alone: nobody else's code runs with its rights.
create or replace function bemi.refresh_time_travel(everything boolean default true) returns bigint
language plpgsql security definer set search_path = pg_catalog, pg_temp set lock_timeout = '10s' as $$
declare
  settled_at_most constant int := 50;
  gathered_at_most constant int := 300;
  by_lists constant boolean := _bemi.views_by_lists();
  s record;
  remaining bigint := 0;
begin
  -- One at a time. Not by an advisory lock, which any role may take.
  lock table _bemi.view_source in share row exclusive mode;
  for s in
    select o.name, o.effective_at, w.until, w.baselines, coalesce(w.versions, 0) as versions, w.untracked,
           (select count(*) from _bemi.relation_version v where v.source = o.name) as versions_now,
           _bemi.untracked_seen(o.name) as untracked_now,
           exists (select from _bemi.view v where v.source = o.name
                     and (_bemi.is_by_lists(v) <> by_lists
                          or v.problem is not null and v.tried_at < now() - interval '5 minutes')) as is_retried
    from _bemi.source o left join _bemi.view_source w on w.source = o.name
    where o.effective_at is not null
  loop
    -- Without `baselines`, some were left for the next call.
    continue when not everything and not s.is_retried and s.until = s.effective_at and s.baselines is not null
      and s.versions = s.versions_now and s.untracked = s.untracked_now;
    insert into _bemi.view_source (source) values (s.name) on conflict do nothing;
    if everything or s.is_retried or s.versions <> s.versions_now then
      remaining := remaining + _bemi.settle_views(s.name, s.versions_now, everything, settled_at_most);
    end if;
    if everything or s.untracked is distinct from s.untracked_now then
      if _bemi.settle_untracked(s.name, settled_at_most) then
        update _bemi.view_source set untracked = s.untracked_now where source = s.name;
      else
        remaining := remaining + 1;
      end if;
    end if;
    remaining := remaining + _bemi.gather_source(s.name, s.effective_at, gathered_at_most);
    perform _bemi.grant_views(s.name, everything);
  end loop;
  return remaining;
end $$;

comment on function bemi.refresh_time_travel(boolean) is
  'Makes the views of the past and brings them up to date, those of fifty tables in a call; tells for how many '
  'tables there is work left. The worker calls it; quick when nothing is new.';
