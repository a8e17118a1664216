-- Plans how to find the rows of a whole table, and lists the tables of a time.

-- Chooses how to find the rows of a whole table: one probe for each key, or a read of all changes. `query` takes the
-- place.
create or replace function _bemi.plan_rows(place _bemi.place, out way text, out query text, out reason text)
language plpgsql stable set search_path = pg_catalog, pg_temp as $$
declare
  v _bemi.view;
  to_read bigint;
  -- The cost of a probe, in changes read and sorted.
  probe_cost constant int := 4;
begin
  if _bemi.has_keyless_changes(place) then
    way := 'content'; reason := 'rows without a key are counted by their content'; return;
  end if;
  select * into v from _bemi.view w
  where w.source = place.source and w.relation = place.relation and cardinality(w.key_types) > 0 and w.problem is null
    and place.at < _bemi.view_until(w) and place.at >= coalesce(w.known_from, '-infinity')
    and _bemi.is_view_current(w, place) and has_table_privilege(to_regclass('_bemi.key_' || w.id), 'select')
  order by _bemi.view_until(w) desc limit 1;
  if v.id is null then
    way := 'changes'; reason := 'the table of its keys is not there, or not up to that time';
    return;
  end if;
  to_read := _bemi.changes_to_read(v, place);
  way := case when v.keys * probe_cost >= to_read then 'changes' else 'keys' end;
  reason := format('%s keys to probe against about %s changes to read', v.keys, to_read);
  if way = 'keys' then query := _bemi.rows_by_key(v, place); end if;
end $$;

create or replace function _bemi.has_keyless_changes(place _bemi.place) returns boolean
language plpgsql stable set search_path = pg_catalog, pg_temp set plan_cache_mode = force_custom_plan
set jit = off as $$
declare
  span record;
  spell record;
begin
  for span in select distinct s.schema, s."table" from _bemi.segments(place) s loop
    for spell in
      select * from _bemi.times_of_keys(span."table", array[null::text], place.since_time, place.at)
    loop
      if exists (
        select from @schema@.changes c
        where c.primary_key is null and c."table" = span."table" and c.schema = span.schema
          and c.source = place.source and c.epoch = place.epoch and c.effective_at < spell.until
          and c.effective_at >= spell.since and c.operation not in ('TRUNCATE', 'SCHEMA')
          and c.commit_position >= place.since)
      then
        return true;
      end if;
    end loop;
  end loop;
  return false;
end $$;

-- About how many: from the checkpoint before the time to the next one, or to now.
create or replace function _bemi.changes_to_read(v _bemi.view, place _bemi.place) returns bigint
language sql stable set search_path = pg_catalog, pg_temp as $$
  select greatest(0, coalesce(min(c.changes_before) filter (where c.since > place.at), v.changes)
                     - coalesce(max(c.changes_before) filter (where c.since <= place.at), 0))
  from _bemi.coverage c
  where c.source = place.source and c.epoch = place.epoch and c.relation = place.relation and c.checkpoint
$$;

create or replace function _bemi.span_condition(alias text, place _bemi.place, schema text, "table" text,
  from_position bigint,
                                     from_sequence bigint, to_position bigint, to_sequence bigint)
returns text language sql immutable set search_path = pg_catalog, pg_temp as $$
  select format('%1$s."table" = %2$L and %1$s.schema = %3$L and %1$s.source = %4$L and %1$s.epoch = %5$s '
                'and (%1$s.commit_position, %1$s.sequence) >= (%6$s, %7$s)', alias, "table", schema, place.source,
                  place.epoch,
                from_position, from_sequence)
    || case when to_position = 9223372036854775807 then ''
         else format(' and (%1$s.commit_position, %1$s.sequence) < (%2$s, %3$s)', alias, to_position, to_sequence) end
$$;

-- A probe for each key that there ever was.
create or replace function _bemi.rows_by_key(v _bemi.view, place _bemi.place) returns text
language sql stable set search_path = pg_catalog, pg_temp as $$
  select format($q$
    with asked as materialized (
      select e.commit_position, e.sequence from _bemi.emptied($1) e
    ), maps as materialized (select m.* from _bemi.shape_maps($1) m where ($1).mixed)
    select k.primary_key, case when m.map is null then c.after else _bemi.reshaped(m.map, c.after) end,
           case when m.map is null then c.exact -> 'after' else _bemi.reshaped_exact(m.map, c.exact -> 'after') end,
           case when m.map is null then c.fidelity -> 'after'
             else _bemi.reshaped_fidelity(m.map, c.fidelity -> 'after') end,
           c.operation, c.effective_at, c.context
    from _bemi.key_%1$s k
    cross join lateral (select u.* from (%2$s) u order by u.commit_position desc, u.sequence desc limit 1) c
    cross join lateral (
      select (select m.map from maps m where (m.since, m.sequence) <= (c.commit_position, c.sequence)
              order by m.since desc, m.sequence desc limit 1) as map offset 0) m
    where c.operation <> 'DELETE'
      and not coalesce((select (e.commit_position, e.sequence) > (c.commit_position, c.sequence) from asked e), false)
      and not exists (
        select from _bemi.key_change m where m.previous_key = k.primary_key and m.effective_at >= c.effective_at
          and m.effective_at <= ($1).at and (m.commit_position, m.sequence) > (c.commit_position, c.sequence)
            and (%3$s))
  $q$, v.id, string_agg(format('(select c.* from @schema@.changes c where c.primary_key = k.primary_key and %s '
           'and c.effective_at <= ($1).at and c.effective_at >= ($1).since_time '
           'order by c.effective_at desc, c.commit_position desc, c.sequence desc limit 1)',
           p.condition), ' union all '), string_agg('(' || p.moved || ')', ' or '))
  from (
    select _bemi.span_condition('c', place, s.schema, s."table", s.from_position, s.from_sequence, s.to_position,
                                s.to_sequence) as condition,
           _bemi.span_condition('m', place, s.schema, s."table", s.from_position, s.from_sequence, s.to_position,
                                s.to_sequence) as moved
    from _bemi.segments(place) s
  ) p
$$;

-- Explains in words how an answer would be found.
create or replace function bemi.explain_as_of(name text, at timestamptz, source text default null,
                                   partial boolean default false, allow_stale boolean default false)
returns setof text language plpgsql stable set search_path = pg_catalog, pg_temp set jit = off as $$
declare
  place _bemi.place := _bemi.find_place(name, at, source, partial, allow_stale);
  plan record := _bemi.plan_rows(place);
begin
  return next format('%I.%I of %s, epoch %s, known whole since position %s%s', place.schema, place."table",
    place.source,
                     place.epoch, place.since::text,
                     case when place.since_time > '-infinity' then ', a checkpoint of ' || place.since_time
                       else '' end);
  return next case plan.way
    when 'keys' then 'one probe of the index for each key'
    when 'content' then 'forward over all its changes, by content'
    else 'forward over all its changes' end || ': ' || plan.reason;
  if place.mixed then return next 'rows of former shapes are read in the shape of that time'; end if;
end $$;

-- The tables that there were at a time, each with SQL that gives its rows, every value with its own text.
create or replace function bemi.tables_at(at timestamptz, source text default null, partial boolean default false,
                               allow_stale boolean default false)
returns table (schema text, "table" text, relation bigint, primary_key text[], columns jsonb, query text)
language plpgsql stable set search_path = pg_catalog, pg_temp set jit = off as $$
declare
  source_name text := source;
  in_epoch int;
begin
  if source_name is null then
    select min(s.name) into source_name from _bemi.source s having count(*) = 1;
    if source_name is null then
      raise exception 'there are several sources here' using errcode = 'ambiguous_parameter',
        hint = 'name one with source =>';
    end if;
  end if;
  in_epoch := _bemi.epoch_at(source_name, at, partial, allow_stale);
  return query
  select v.schema, v."table", v.relation, v.primary_key, jsonb_agg(jsonb_build_object(
           'name', c -> 'name', 'number', coalesce(c -> 'number', '0'), 'type',
           case when (c ->> 'type_oid')::bigint < 16384 then format_type((c ->> 'type_oid')::oid,
             (c ->> 'type_modifier')::int)
             when (c #>> '{form,oid}')::bigint < 16384 then format_type((c #>> '{form,oid}')::oid, -1)
             else c #>> '{form,name}' end) order by place),
         format('select %s from bemi.rows_as_of(%L, %L, %L, %L, %L) r', string_agg(format(
             'case when coalesce(r.fidelity ->> %1$L, ''known'') in (''known'', ''reconstructed'', ''assumed'', '
             '''redacted'') then (%2$s)::text else _bemi.unknown_value(null, %1$L) end',
             c ->> 'name', _bemi.typed_value(c, format('(r."row" -> %L)', c ->> 'name'), format('(r.exact ->> %L)',
               c ->> 'name'))),
           ', ' order by place), format('%I.%I', v.schema, v."table"), tables_at.at, source_name, tables_at.partial,
           tables_at.allow_stale)
  from (
    select distinct on (v.relation) v.* from _bemi.relation_version v
    where v.source = source_name and v.epoch = in_epoch and v.effective_at <= tables_at.at
    order by v.relation, v.position desc, v.sequence desc
  ) v
  cross join lateral jsonb_array_elements(v.columns) with ordinality as c (c, place)
  where not v.dropped and not _bemi.is_partition(source_name, in_epoch, v.relation, v.position, v.sequence,
    tables_at.at)
    -- One that was dropped before drops were told, and made again.
    and not exists (
      select from _bemi.relation_version o
      where o.source = source_name and o.epoch = in_epoch and o.effective_at <= tables_at.at
        and (o.schema, o."table") = (v.schema, v."table") and o.relation <> v.relation and o.position > v.position
        and not o.dropped
        and not exists (select from _bemi.relation_version n
                        where n.source = source_name and n.epoch = in_epoch and n.relation = o.relation
                          and n.effective_at <= tables_at.at and n.position > o.position
                          and (n.schema, n."table") <> (o.schema, o."table")))
  group by v.schema, v."table", v.relation, v.primary_key
  order by 1, 2;
end $$;

comment on function bemi.explain_as_of(text, timestamptz, text, boolean, boolean) is
  'How bemi.rows_as_of would find its answer, in words.';
comment on function bemi.tables_at(timestamptz, text, boolean, boolean) is
  'The tables that existed at a time, each with a query for its rows.';
