-- Rows that were written under one shape of a table, read in the shape of another time.

-- Distinguishes shapes: the place of each value in a row.
create or replace function _bemi.column_names(columns jsonb) returns jsonb
language sql immutable set search_path = pg_catalog, pg_temp as $$
  select coalesce(jsonb_agg(jsonb_build_object('name', c -> 'name', 'number', c -> 'number') order by c -> 'name'),
    '[]')
  from jsonb_array_elements(columns) c
$$;

-- Maps a row that was written under one shape to another: [[name, former name or null, JSON of the value of rows from
-- before the column, its exact text, whether nobody knows], ...]; null: unchanged. A column that one of the shapes has
-- and does not send is unknown.
create or replace function _bemi.shape_map(written jsonb, written_unsent text[], wanted jsonb, wanted_unsent text[])
returns jsonb language sql immutable set search_path = pg_catalog, pg_temp as $$
  select case when _bemi.column_names(written) <> _bemi.column_names(wanted)
      or written_unsent <> wanted_unsent then (
    select coalesce(jsonb_agg(m.entry), '[]')
    from (
      select jsonb_build_array(w -> 'name', o.name, w -> 'missing', w -> 'missing_exact',
        o.name is null and w ->> 'name' = any (written_unsent)) as entry
      from jsonb_array_elements(wanted) w
      left join lateral (
        select o ->> 'name' as name from jsonb_array_elements(written) o
        where case when o ? 'number' and w ? 'number' then o -> 'number' = w -> 'number'
          else o -> 'name' = w -> 'name' end
        limit 1
      ) o on true
      union all
      select jsonb_build_array(u.name, null, null, null, true) from unnest(wanted_unsent) u (name)
    ) m) end
$$;

create or replace function _bemi.reshaped(map jsonb, "row" jsonb) returns jsonb
language sql immutable set search_path = pg_catalog, pg_temp as $$
  select coalesce(jsonb_object_agg(m ->> 0, case when m ->> 1 is null then coalesce((m ->> 2)::jsonb, 'null')
                                              else "row" -> (m ->> 1) end), '{}')
  from jsonb_array_elements(map) m where (m ->> 1 is null or "row" ? (m ->> 1)) and not (m -> 4)::boolean
$$;

-- The exact texts of a row's columns.
create or replace function _bemi.reshaped_exact(map jsonb, exact jsonb) returns jsonb
language sql immutable set search_path = pg_catalog, pg_temp as $$
  select nullif(coalesce(jsonb_object_agg(m ->> 0, coalesce(exact -> (m ->> 1), m -> 3)), '{}'), '{}')
  from jsonb_array_elements(map) m
  where not (m -> 4)::boolean and (exact ? (m ->> 1) or m ->> 1 is null and m ->> 3 is not null)
$$;

create or replace function _bemi.reshaped_fidelity(map jsonb, fidelity jsonb) returns jsonb
language sql immutable set search_path = pg_catalog, pg_temp as $$
  select nullif(coalesce(jsonb_object_agg(m ->> 0, coalesce(fidelity -> (m ->> 1), '"unknown"')), '{}'), '{}')
  from jsonb_array_elements(map) m where (m -> 4)::boolean or fidelity ? (m ->> 1)
$$;

create or replace function _bemi.reshape(map jsonb, inout "row" jsonb, inout exact jsonb, inout fidelity jsonb)
language sql immutable set search_path = pg_catalog, pg_temp as $$
  select case when map is null then "row" else _bemi.reshaped(map, "row") end,
         case when map is null then exact else _bemi.reshaped_exact(map, exact) end,
         case when map is null then fidelity else _bemi.reshaped_fidelity(map, fidelity) end
$$;

-- The row mappings of a table and the position from which each applies.
create or replace function _bemi.shape_maps(place _bemi.place) returns table (since bigint, sequence bigint, map jsonb)
language sql stable set search_path = pg_catalog, pg_temp as $$
  select v.position, v.sequence, _bemi.shape_map(v.columns, coalesce(v.unsent, '{}'), place.columns, place.unsent)
  from _bemi.relation_version v
  where v.source = place.source and v.epoch = place.epoch and v.relation = place.relation
    and v.effective_at <= place.at and not v.dropped
$$;

create or replace function _bemi.map_of(place _bemi.place, commit_position bigint, sequence bigint) returns jsonb
language sql stable set search_path = pg_catalog, pg_temp as $$
  select m.map from _bemi.shape_maps(place) m
  where (m.since, m.sequence) <= (map_of.commit_position, map_of.sequence)
  order by m.since desc, m.sequence desc limit 1
$$;
