-- The rows of the past: one, a whole table, typed.

-- The newest change of each key, none older than a time.
create or replace function _bemi.newest_versions(place _bemi.place, keys text[], not_before timestamptz)
returns setof @schema@.changes language plpgsql stable set search_path = pg_catalog, pg_temp
set plan_cache_mode = force_custom_plan set jit = off as $$
declare
  span record;
  spell record;
  version @schema@.changes;
  found_keys text[];
begin
  for span in select * from _bemi.segments(place) loop
    exit when cardinality(keys) = 0;
    for spell in
      select * from _bemi.times_of_keys(span."table", keys, greatest(place.since_time, not_before), place.at)
    loop
      found_keys := '{}';
      for version in
        select c.* from unnest(keys) k (key)
        cross join lateral (
          select c.* from @schema@.changes c
          where c."table" = span."table" and c.primary_key = k.key and c.schema = span.schema
            and c.source = place.source and c.epoch = place.epoch and c.effective_at < spell.until
            and c.effective_at >= spell.since
            and _bemi.is_in(c.commit_position, c.sequence, span.from_position, span.from_sequence, span.to_position,
                            span.to_sequence)
          order by c.effective_at desc, c.commit_position desc, c.sequence desc limit 1
        ) c
      loop
        return next version;
        found_keys := found_keys || version.primary_key;
      end loop;
      keys := array(select unnest(keys) except select unnest(found_keys));
      exit when cardinality(keys) = 0;
    end loop;
  end loop;
end $$;

-- The rows of some keys: a probe of an index for each, whose cost does not grow with the number of versions.
-- `not_before`: of those that changed since then.
create or replace function _bemi.rows_of_keys(place _bemi.place, keys text[],
                                   not_before timestamptz default '-infinity')
returns setof bemi.row_version language sql stable set search_path = pg_catalog, pg_temp as $$
  with versions as materialized (
    select v.* from _bemi.newest_versions(place, keys, not_before) v
  ), emptied as materialized (
    select e.* from (select min(v.effective_at) as since from versions v) m
    cross join lateral _bemi.emptied_before(place, 9223372036854775807, 0, m.since) e
  ), spans as materialized (
    select s.* from _bemi.segments(place) s
  ), maps as materialized (
    select m.* from _bemi.shape_maps(place) m where place.mixed
  )
  select v.primary_key, r."row", r.exact, r.fidelity, v.operation, v.effective_at, v.context
  from versions v cross join emptied e
  cross join lateral (
    select (select m.map from maps m where (m.since, m.sequence) <= (v.commit_position, v.sequence)
            order by m.since desc, m.sequence desc limit 1) as map
    offset 0
  ) m
  cross join lateral _bemi.reshape(m.map, v.after, v.exact -> 'after', v.fidelity -> 'after') r
  where v.operation <> 'DELETE'
    and (e.sequence is null or (v.commit_position, v.sequence) > (e.commit_position, e.sequence))
    and not exists (  -- it got another key
      select from spans s join _bemi.key_change k on k."table" = s."table" and k.schema = s.schema
        and _bemi.is_in(k.commit_position, k.sequence, s.from_position, s.from_sequence, s.to_position, s.to_sequence)
      where k.previous_key = v.primary_key and k.source = place.source and k.epoch = place.epoch
        and k.effective_at >= v.effective_at and k.effective_at <= place.at
        and (k.commit_position, k.sequence) > (v.commit_position, v.sequence))
$$;

create or replace function bemi.row_as_of(name text, key text, at timestamptz, source text default null,
                               partial boolean default false, allow_stale boolean default false)
returns setof bemi.row_version language plpgsql stable set search_path = pg_catalog, pg_temp set jit = off as $$
declare
  place constant _bemi.place := _bemi.find_place(name, at, source, partial, allow_stale);
begin
  return query select * from _bemi.rows_of_keys(place, array[key]);
  if found or not _bemi.has_passes(place) then return; end if;
  return query
  select h.primary_key, r."row", r.exact, r.fidelity, h.operation, h.effective_at, h.context
  from _bemi.key_holder(place, key) h
  cross join lateral _bemi.reshape(
    case when place.mixed then _bemi.map_of(place, h.commit_position, h.sequence) end, h.after, h.exact -> 'after',
    h.fidelity -> 'after') r
  where h.id is not null;
end $$;

-- The current rows by their keys, which the writer needs to fill in what the stream leaves out. Rows from before the
-- table changed its shape are not among them.
create or replace function _bemi.last_rows(in_source text, in_epoch int, in_schema text, in_table text, keys text[])
returns table (key text, "row" jsonb, exact jsonb)
language sql stable set search_path = pg_catalog, pg_temp as $$
  with known as (
    select coalesce((select max(c.position) from _bemi.coverage c
                     where c.source = in_source and c.epoch = in_epoch and c.schema = in_schema
                       and c."table" = in_table), 0) as since,
           -- The first shape is the one that the first rows have.
           coalesce((select nullif(max(v.position), min(v.position)) from _bemi.relation_version v
                     where v.source = in_source and v.epoch = in_epoch and v.schema = in_schema
                       and v."table" = in_table), 0) as shaped
  )
  select k.key, c.after, c.exact -> 'after'
  from unnest(keys) as k (key), known
  cross join lateral (
    select c.* from @schema@.changes c
    where c."table" = in_table and c.primary_key = k.key and c.schema = in_schema and c.source = in_source
      and c.epoch = in_epoch
    order by c.effective_at desc, c.commit_position desc, c.sequence desc limit 1
  ) c
  where c.operation <> 'DELETE' and c.commit_position >= known.since and c.commit_position > known.shaped
    and not exists (
      select from @schema@.changes t where t.operation in ('TRUNCATE', 'SCHEMA') and t."table" = in_table
        and t.schema = in_schema and t.source = in_source and t.epoch = in_epoch
        and t.effective_at >= c.effective_at
        and (t.commit_position, t.sequence) > (c.commit_position, c.sequence))
    and not exists (
      select from _bemi.key_change m where m."table" = in_table and m.previous_key = k.key
        and m.schema = in_schema and m.source = in_source and m.epoch = in_epoch
        and m.effective_at >= c.effective_at
        and (m.commit_position, m.sequence) > (c.commit_position, c.sequence))
$$;

-- A whole table.
create or replace function bemi.rows_as_of(name text, at timestamptz, source text default null,
                                partial boolean default false, allow_stale boolean default false)
returns setof bemi.row_version language plpgsql stable set search_path = pg_catalog, pg_temp set jit = off as $$
begin
  return query select * from _bemi.rows_of(_bemi.find_place(name, at, source, partial, allow_stale));
end $$;

create or replace function _bemi.rows_of(place _bemi.place) returns setof bemi.row_version
language plpgsql stable set search_path = pg_catalog, pg_temp as $$
declare plan record := _bemi.plan_rows(place);
begin
  if plan.way = 'keys' then
    return query execute plan.query using place;
  elsif plan.way = 'content' then
    return query select * from _bemi.keyless_rows_as_of(place);
  else
    return query select * from _bemi.rows_by_scan(place);
  end if;
  if plan.way <> 'content' and _bemi.has_passes(place) then
    return query select * from _bemi.passed_rows(place);
  end if;
end $$;

-- All changes until then are read, of the partitions since the checkpoint: the planner must know its time.
create or replace function _bemi.rows_by_scan(place _bemi.place) returns setof bemi.row_version
language plpgsql stable set search_path = pg_catalog, pg_temp set plan_cache_mode = force_custom_plan as $$
begin
  return query
  with maps as materialized (select m.* from _bemi.shape_maps(place) m where place.mixed)
  select v.primary_key, case when m.map is null then v.after else _bemi.reshaped(m.map, v.after) end,
         case when m.map is null then v.exact -> 'after'
           else _bemi.reshaped_exact(m.map, v.exact -> 'after') end,
         case when m.map is null then v.fidelity -> 'after'
           else _bemi.reshaped_fidelity(m.map, v.fidelity -> 'after') end,
         v.operation, v.effective_at, v.context
  from (
    select distinct on (e.key) e.*
    from _bemi.emptied(place) emptied, _bemi.segments(place) s
    cross join lateral (
      select c.primary_key as key, c.operation = 'DELETE' as ends, c.commit_position, c.sequence, c.primary_key,
             c.after, c.exact, c.fidelity, c.operation, c.effective_at, c.context
      from @schema@.changes c
      where c."table" = s."table" and c.schema = s.schema and c.source = place.source
        and c.epoch = place.epoch and c.effective_at <= place.at
        and c.effective_at >= place.since_time and c.operation not in ('TRUNCATE', 'SCHEMA')
        and (c.commit_position, c.sequence) >= (s.from_position, s.from_sequence)
        and (c.commit_position, c.sequence) < (s.to_position, s.to_sequence)
      union all
      select k.previous_key, true, k.commit_position, k.sequence, null, null, null, null, null, k.effective_at, null
      from _bemi.key_change k
      where k."table" = s."table" and k.schema = s.schema and k.source = place.source
        and k.epoch = place.epoch and k.effective_at <= place.at
        and (k.commit_position, k.sequence) >= (s.from_position, s.from_sequence)
        and (k.commit_position, k.sequence) < (s.to_position, s.to_sequence)
    ) e
    where emptied.sequence is null or (e.commit_position, e.sequence) > (emptied.commit_position, emptied.sequence)
    order by e.key, e.commit_position desc, e.sequence desc, e.ends desc
  ) v
  cross join lateral (
    select (select m.map from maps m where (m.since, m.sequence) <= (v.commit_position, v.sequence)
            order by m.since desc, m.sequence desc limit 1) as map
    offset 0
  ) m
  where not v.ends;
end $$;

create or replace function _bemi.column_names_ever(place _bemi.place) returns text[]
language sql stable set search_path = pg_catalog, pg_temp as $$
  select array_agg(distinct c ->> 'name')
  from _bemi.relation_version v cross join lateral jsonb_array_elements(v.columns) c
  where v.source = place.source and v.epoch = place.epoch and v.relation = place.relation
$$;

-- Rows without a key are known by their content, and by how many there are of it.
create or replace function _bemi.keyless_rows_as_of(place _bemi.place) returns setof bemi.row_version
language plpgsql stable set search_path = pg_catalog, pg_temp set plan_cache_mode = force_custom_plan as $$
declare
  emptied record;
  names constant text[] := _bemi.column_names_ever(place);  -- once, and not for each change
  fidelity constant jsonb := (select jsonb_object_agg(u.name, 'unknown') from unnest(place.unsent) u (name));
begin
  select * into emptied from _bemi.emptied(place);
  -- Generated columns, which the stream leaves out, are none of the table's described ones.
  if exists (
    select from _bemi.segments(place) s join @schema@.changes c on c."table" = s."table" and c.schema = s.schema
    where c.source = place.source and c.epoch = place.epoch and c.effective_at <= place.at
      and c.effective_at >= place.since_time and c.operation in ('UPDATE', 'DELETE')
      and c.commit_position >= place.since
      and jsonb_exists_any(c.fidelity -> 'before', names))
  then
    raise exception 'rows of %.% have no key, and a change does not say which row it was', place.schema, place."table"
      using errcode = 'object_not_in_prerequisite_state', hint = 'such tables need REPLICA IDENTITY FULL';
  end if;
  return query
  with maps as materialized (select m.* from _bemi.shape_maps(place) m where place.mixed)
  select null::text, n.content::jsonb, n.said, fidelity, null::text, null::timestamptz, null::jsonb
  from (
    select e.content, e.said, sum(e.count) as count
    from (
      select case when m.map is null then p.content else _bemi.reshaped(m.map, p.content) end::text as content,
             case when m.map is null then p.said else _bemi.reshaped_exact(m.map, p.said) end as said, p.count
      from _bemi.segments(place) s
      join @schema@.changes c on c."table" = s."table" and c.schema = s.schema
        and (c.commit_position, c.sequence) >= (s.from_position, s.from_sequence)
        and (c.commit_position, c.sequence) < (s.to_position, s.to_sequence)
      cross join lateral (
        select c.after as content, c.exact -> 'after' as said, 1 as count where c.operation <> 'DELETE'
        union all
        select c.before, c.exact -> 'before', -1 where c.operation in ('UPDATE', 'DELETE')
      ) p
      cross join lateral (
        select (select m.map from maps m where (m.since, m.sequence) <= (c.commit_position, c.sequence)
                order by m.since desc, m.sequence desc limit 1) as map
        offset 0
      ) m
      where c.source = place.source and c.epoch = place.epoch and c.effective_at <= place.at
        and c.effective_at >= place.since_time and c.operation not in ('TRUNCATE', 'SCHEMA')
        and (emptied.sequence is null
             or (c.commit_position, c.sequence) > (emptied.commit_position, emptied.sequence))
    ) e
    group by e.content, e.said
  ) n
  cross join lateral generate_series(1, n.count);
end $$;

-- A row type's columns. `form`: how a column's JSON is read back. jsonb_populate_record knows neither
-- JSON null from SQL NULL nor hstore.
create or replace function _bemi.columns_of(shape regtype)
returns table (place int, name text, type text, form text, hstore_schema text)
language sql stable set search_path = pg_catalog, pg_temp as $$
  with recursive columns as (
    select a.attnum::int as place, a.attname::text as name, format_type(a.atttypid, a.atttypmod) as type, a.atttypid
    from pg_type t join pg_attribute a on a.attrelid = t.typrelid
    where t.oid = shape and a.attnum > 0 and not a.attisdropped
  ), base (place, oid) as (
    select c.place, c.atttypid from columns c
    union all
    -- A domain reads as what it is over, however deep.
    select base.place, t.typbasetype from base join pg_type t on t.oid = base.oid where t.typtype = 'd'
  )
  select c.place, c.name, c.type,
         case when t.oid in ('json'::regtype, 'jsonb'::regtype) then 'json'
           when e.oid is not null then 'hstore' else 'plain' end, t.typnamespace::regnamespace::text
  from columns c join base using (place) join pg_type t on t.oid = base.oid and t.typtype <> 'd'
  left join pg_depend d on d.classid = 'pg_type'::regclass and d.objid = t.oid and d.deptype = 'e'
  left join pg_extension e on e.oid = d.refobjid and e.extname = 'hstore' and t.typname = 'hstore'
$$;

-- The columns as SQL over "row" and exact, for a select list.
create or replace function _bemi.restored_columns(shape regtype) returns text
language sql stable set search_path = pg_catalog, pg_temp as $$
  with columns as (select * from _bemi.columns_of(shape)),
  record as (
    select format('(jsonb_populate_record(null::%1$s, ("row" || coalesce(exact, ''{}'')) - %2$L::text[]))', shape,
                  coalesce(array_agg(name) filter (where form <> 'plain'), '{}')) as plain
    from columns
  )
  select coalesce(string_agg(
    case form
      when 'json' then format('coalesce(exact ->> %1$L, nullif("row" -> %1$L, ''null'')::text)::%2$s as %3$I', name,
        type, name)
      when 'hstore' then format(
        'coalesce(exact ->> %1$L, (select %3$s.hstore(coalesce(array_agg(key), ''{}''), coalesce(array_agg(value), '
        '''{}''))::text '
        'from jsonb_each_text(nullif("row" -> %1$L, ''null'')) '
        'having jsonb_typeof("row" -> %1$L) = ''object''))::%2$s as %4$I',
        name, type, hstore_schema, name)
      else format('%s.%I', record.plain, name) end, ', ' order by place), '')
  from columns, record
$$;

-- A stored row as the table's own type, every value with the text that it had then:
-- bemi.restore(null::todo, after, exact -> 'after').
create or replace function bemi.restore(shape anyelement, "row" jsonb, exact jsonb default null) returns anyelement
language plpgsql stable set search_path = pg_catalog, pg_temp as $$
begin
  execute format('select %s from (select $1 as "row", $2 as exact) stored',
                 _bemi.restored_columns(pg_typeof(shape))) using "row", exact into shape;
  return shape;
end $$;

-- Typed rows, where the table's type exists here: select * from bemi.as_of(null::todo, '...').
create or replace function bemi.as_of(shape anyelement, at timestamptz, name text default null,
  source text default null,
                           partial boolean default false, allow_stale boolean default false)
returns setof anyelement language plpgsql stable set search_path = pg_catalog, pg_temp set jit = off as $$
declare
  named text := coalesce(name, (select format('%I.%I', n.nspname, c.relname)
                                from pg_type t join pg_class c on c.oid = t.typrelid
                                join pg_namespace n on n.oid = c.relnamespace where t.oid = pg_typeof(shape)));
  seen record;
begin
  -- The row type of a view of the past stands for that of its table.
  select v.source, format('%I.%I', v.schema, v."table") as name into seen from _bemi.view v
  where format('%I.%I', v.view_schema, v."table") = named;
  if seen.name is not null then
    named := seen.name;
    source := coalesce(source, seen.source);
  end if;
  return query execute format('select %s from bemi.rows_as_of($1, $2, $3, $4, $5) stored',
                              _bemi.restored_columns(pg_typeof(shape)))
    using named, at, source, partial, allow_stale;
end $$;

comment on function bemi.as_of(anyelement, timestamptz, text, text, boolean, boolean) is
  'A table''s rows at a time, in its row type: select * from bemi.as_of(null::todo, ''2026-11-23 17:09+00'').';
comment on function bemi.row_as_of(text, text, timestamptz, text, boolean, boolean) is
  'One row of a table at a time, found by its primary key.';
comment on function bemi.rows_as_of(text, timestamptz, text, boolean, boolean) is
  'All rows of a table at a time, as JSON.';
comment on function bemi.restore(anyelement, jsonb, jsonb) is
  'A stored row in a table''s type, each value exact: bemi.restore(null::todo, after, exact -> ''after'').';
