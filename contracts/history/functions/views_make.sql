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

-- What the views are made of, as the newest description of its table says.
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

-- Makes a view anew when its table became another. What the destination refuses is noted, and the view says it.
create or replace function _bemi.settle_view(version _bemi.relation_version, in_schema text, in_table text) returns void
language plpgsql set search_path = pg_catalog, pg_temp as $$
declare
  had _bemi.view;
  v _bemi.view;
  newest _bemi.relation_version;
  definition text;
begin
  select * into newest from _bemi.relation_version n
  where n.source = version.source and n.relation = version.relation and not n.dropped
  order by n.epoch desc, n.position desc, n.sequence desc limit 1;
  insert into _bemi.view (source, schema, "table", relation, view_schema)
  values (version.source, in_schema, in_table, version.relation, _bemi.view_schema(version.source, in_schema, in_table))
  on conflict do nothing;
  select * into had from _bemi.view w where (w.source, w.schema, w."table") = (version.source, in_schema, in_table);
  v := _bemi.described_view(had, newest);
  v.view_schema := _bemi.view_schema(version.source, in_schema, in_table);
  v.problem := null;
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
                         case when cardinality(v.key_types) > 0 then _bemi.keyed_view(v, newest)
                           else _bemi.keyless_view(v, newest) end);
    if definition is distinct from v.made_of then
      perform _bemi.make_schema(v.view_schema);
      execute format('drop view if exists %I.%I', had.view_schema, had."table");
      execute format('drop view if exists %I.%I', v.view_schema, v."table");
      execute definition;
      perform _bemi.close_relation(format('%I.%I', v.view_schema, v."table"));
      execute format('comment on view %I.%I is %L', v.view_schema, v."table",
                     format('%I.%I as of the time in bemi.as_of; made by Bemi', v.schema, v."table"));
      v.made_of := definition;
    end if;
  exception when others then
    v.problem := sqlerrm; v.made_of := null; v.until := null;
  end;
  delete from _bemi.view w where w.id = v.id;
  insert into _bemi.view overriding system value select v.*;
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
    '(select bool_or(length(primary_key) > 70 and primary_key ~ ''…sha256:[0-9a-f]{64}("\])?$'') '
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

-- All keys of one source that are new.
create or replace function _bemi.gather_all_keys(in_source text, known_until timestamptz) returns void
language plpgsql set search_path = pg_catalog, pg_temp as $$
declare
  v _bemi.view;
  was timestamptz := (select until from _bemi.view_source where source = in_source);
  baselines_now bigint;
  touched text[];
begin
  touched := array(select distinct format('%I.%I', c.schema, c."table") from @schema@.changes c
                   where c.effective_at >= was and c.source = in_source);
  for v in select * from _bemi.view w where w.source = in_source and w.problem is null loop
    select count(*) into baselines_now from _bemi.coverage c
    where c.source = in_source and c.relation = v.relation and c.rows_at is not null;
    begin
      if cardinality(v.key_types) = 0 then null;
      elsif v.until is null or v.baselines <> baselines_now then
        v := _bemi.gather_keys(v, '-infinity');
      elsif exists (select from _bemi.view_segments(in_source, v.relation) s
                    where format('%I.%I', s.schema, s."table") = any (touched)) then
        v := _bemi.gather_keys(v, least(v.until, was));
      end if;
      update _bemi.view w set until = known_until, changes = v.changes, keys = v.keys, baselines = baselines_now
      where w.id = v.id;
    exception when others then
      update _bemi.view w set problem = sqlerrm, made_of = null, until = null where w.id = v.id;
    end;
  end loop;
end $$;

-- Whoever may read the history may read the views, and ask. What stands in a view's place and is another's is not ours
-- to open.
create or replace function _bemi.grant_views() returns void
language plpgsql set search_path = pg_catalog, pg_temp as $$
declare reader regrole; v record;
begin
  for reader in
    select a.grantee::regrole from pg_class c cross join lateral aclexplode(c.relacl) a
    where c.oid = '@schema@.changes'::regclass and a.privilege_type = 'SELECT' and a.grantee <> c.relowner
      and a.grantee <> 0
  loop
    perform _bemi.grant_functions('reader', (select r.rolname from pg_roles r where r.oid = reader));
    for v in
      select n.nspname, c.relname from _bemi.view w
      join pg_namespace n on n.nspname = w.view_schema join pg_class c on c.relnamespace = n.oid
        and c.relname = w."table"
      where (select r.oid from pg_roles r where r.rolname = current_user) = all (array[c.relowner, n.nspowner])
        and (not has_table_privilege(reader::oid, c.oid, 'select')
             or not has_schema_privilege(reader::oid, n.oid, 'usage'))
    loop
      execute format('grant usage on schema %I to %s', v.nspname, reader);
      execute format('grant select on %I.%I to %s', v.nspname, v.relname, reader);
    end loop;
  end loop;
end $$;

-- A schema of ours: one that was there before and is another's could be changed under who reads.
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

-- A view for each table that is not tracked, which says so.
create or replace function _bemi.settle_untracked(in_source text) returns void
language plpgsql set search_path = pg_catalog, pg_temp as $$
declare u record; list text;
begin
  for u in
    select n.*, _bemi.fitting_name('time_travel' || case when n.schema = 'public' then '' else '_' || n.schema end)
             as view_schema
    from _bemi.untracked n where n.source = in_source
      and not exists (select from _bemi.view v where v.schema = n.schema and v."table" = n."table")
  loop
    -- With their types, so that a query fails for what it asks, and not for an operator.
    select coalesce(string_agg(format('null::%s as %I', coalesce(t.oid::regtype::text, 'text'), c ->> 0), ', '
                               order by number), 'null::text as untracked') into list
    from jsonb_array_elements(u.columns) with ordinality as c (c, number)
    left join pg_type t on t.typnamespace = 'pg_catalog'::regnamespace and t.oid = to_regtype(c ->> 1);
    begin
      perform _bemi.settle_untracked_view(u.view_schema, u.schema, u."table", list);
    exception when others then
      raise warning 'there is no view of %.%: %', u.schema, u."table", sqlerrm;
    end;
  end loop;
end $$;

create or replace function _bemi.settle_untracked_view(view_schema text, in_schema text, in_table text, list text)
returns void language plpgsql set search_path = pg_catalog, pg_temp as $$
declare place text := format('%I.%I', view_schema, in_table);
begin
  if to_regclass(place) is not null and list = (
      select coalesce(string_agg(format('null::%s as %I', a.atttypid::regtype, a.attname), ', ' order by a.attnum), '')
      from pg_attribute a where a.attrelid = to_regclass(place) and a.attnum > 0 and not a.attisdropped) then
    return;
  end if;
  perform _bemi.make_schema(view_schema);
  execute format('drop view if exists %s', place);
  -- Behind a fence: a condition on a null would be found false, and nobody would be told.
  execute format('create view %s as select %s where _bemi.refuse_untracked(%L) offset 0', place, list,
                 format('%I.%I', in_schema, in_table));
  perform _bemi.close_relation(place);
end $$;

-- Makes the views of all tracked tables, and brings them up to date with the history. Quick when nothing is new.
-- Runs as the history's owner, and casts to types of pg_catalog alone: nobody else's code runs with its rights.
create or replace function bemi.refresh_time_travel(everything boolean default true) returns void
language plpgsql security definer set search_path = pg_catalog, pg_temp set lock_timeout = '10s' as $$
declare
  s record;
  named record;
begin
  -- One at a time. Not by an advisory lock, which any role may take.
  lock table _bemi.view_source in share row exclusive mode;
  for s in
    select o.name, o.effective_at, w.until, coalesce(w.versions, 0) as versions,
           (select count(*) from _bemi.relation_version v where v.source = o.name) as versions_now
    from _bemi.source o left join _bemi.view_source w on w.source = o.name
    where o.effective_at is not null
  loop
    continue when not everything and s.until = s.effective_at and s.versions = s.versions_now;
    insert into _bemi.view_source (source) values (s.name) on conflict do nothing;
    if everything or s.versions <> s.versions_now then
      for named in
        select distinct on (v.schema, v."table") v.schema, v."table", v as version from _bemi.relation_version v
        where v.source = s.name and not v.dropped
        order by v.schema, v."table", v.epoch desc, v.position desc, v.sequence desc
      loop
        perform _bemi.settle_view(named.version, named.schema, named."table");
      end loop;
      perform _bemi.settle_untracked(s.name);
    end if;
    perform _bemi.gather_all_keys(s.name, s.effective_at);
    perform _bemi.grant_views();
    update _bemi.view_source set until = s.effective_at, versions = s.versions_now where source = s.name;
  end loop;
end $$;

comment on function bemi.refresh_time_travel(boolean) is
  'Makes the views of the past and brings them up to date. The worker calls it; quick when nothing is new.';
