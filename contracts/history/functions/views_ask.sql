-- Functions that a view of the past calls when it is read: the time, whether there is an answer, and since when.

-- Which views there are, from when on and until when they answer, and what they cannot.
create or replace view bemi.time_travel_tables as
select v.source, v.schema, v."table", format('%I.%I', v.view_schema, v."table") as view, v.known_from,
       greatest(v.until, case when v.until is not null then s.until end) as until, v.shown_as_text, v.problem
from _bemi.view v left join _bemi.view_source s on s.source = v.source;
comment on view bemi.time_travel_tables is
  'The views of the past, the times for which each one answers, and why one cannot.';

create or replace function _bemi.flag(name text) returns boolean
language sql stable parallel safe set search_path = pg_catalog, pg_temp as $$
  select coalesce(nullif(current_setting(name, true), ''), 'off')::boolean
$$;

create or replace function _bemi.asked_time(view_id int, in_source text) returns timestamptz
language plpgsql stable parallel safe security definer set search_path = pg_catalog, pg_temp as $$
declare said text := nullif(current_setting('bemi.as_of', true), '');
begin
  if said is null then
    raise exception '% shows the past, and no time is given',
      (select format('%I.%I', v.view_schema, v."table") from _bemi.view v where v.id = view_id)
      using errcode = 'object_not_in_prerequisite_state', hint = 'set local bemi.as_of = ''2026-11-23 17:09:14+00''';
  end if;
  return bemi.moment(said, in_source, _bemi.flag('bemi.allow_stale'));
end $$;

-- The table as of the time that was asked for; raises when there is no answer.
create or replace function _bemi.asked(view_id int) returns _bemi.place
language plpgsql stable parallel safe security definer set search_path = pg_catalog, pg_temp as $$
declare
  v _bemi.view;
  at timestamptz;
  place _bemi.place;
begin
  select * into v from _bemi.view where id = view_id;
  at := _bemi.asked_time(v.id, v.source);
  place := _bemi.find_place(format('%I.%I', v.schema, v."table"), at, v.source, _bemi.flag('bemi.partial'),
                            _bemi.flag('bemi.allow_stale'));
  if place.relation <> v.relation then
    raise exception '%.% was another table at %', v.schema, v."table", at
      using errcode = 'object_not_in_prerequisite_state',
            hint = format('ask for its rows: bemi.rows_as_of(%L, ...)', format('%I.%I', v.schema, v."table"));
  elsif at < v.known_from then
    raise exception 'the rows of %.% had other keys at %', v.schema, v."table", at
      using errcode = 'object_not_in_prerequisite_state',
            hint = format('ask for its rows: bemi.rows_as_of(%L, ...)', format('%I.%I', v.schema, v."table"));
  elsif v.problem is not null then
    raise exception '%.% cannot answer: %', v.view_schema, v."table", v.problem
      using errcode = 'object_not_in_prerequisite_state', hint = 'select bemi.refresh_time_travel()';
  elsif not _bemi.is_view_current(v, place) then
    raise exception '%.% is not up to date for %', v.view_schema, v."table", at
      using errcode = 'object_not_in_prerequisite_state',
            hint = 'the worker will bring it up to date, or do: select bemi.refresh_time_travel()';
  end if;
  return place;
end $$;

create or replace function _bemi.is_view_current(v _bemi.view, place _bemi.place) returns boolean
language sql stable parallel safe set search_path = pg_catalog, pg_temp as $$
  select (coalesce(place.at < _bemi.view_until(v), false) or _bemi.flag('bemi.allow_stale'))
    and (select count(*) from _bemi.coverage c where c.source = v.source and c.relation = v.relation
           and c.rows_at is not null) = v.baselines
    and not exists (
      select from _bemi.relation_version n
      where n.source = v.source and n.relation = v.relation and n.effective_at <= place.at
        and (n.epoch, n.position, n.sequence) > (v.shape_epoch, v.shape_position, v.shape_sequence))
$$;

-- The times from which an answer can come, up to the one that was asked for: a checkpoint has all that is older.
create or replace function _bemi.asked_span(view_id int) returns tstzrange
language plpgsql stable parallel safe set search_path = pg_catalog, pg_temp as $$
declare place constant _bemi.place := _bemi.asked(view_id);
begin
  return tstzrange(place.since_time, place.at + interval '1 us');
end $$;

-- Those of them of which no list of keys tells.
create or replace function _bemi.asked_unlisted(view_id int) returns tstzmultirange
language plpgsql stable parallel safe set search_path = pg_catalog, pg_temp as $$
declare span constant tstzrange := _bemi.asked_span(view_id);
begin
  return tstzmultirange(span) - coalesce((
    select range_agg(tstzrange(w.from_time, w.to_time)) from _bemi.kept_lists(lower(span), upper(span)) w), '{}');
end $$;

-- The newest change of each key up to the time, by key; null: they are too many to hold. With the owner's rights, as
-- readers have none on the table of keys.
create or replace function _bemi.asked_versions(view_id int) returns jsonb
language plpgsql stable parallel unsafe security definer set search_path = pg_catalog, pg_temp set jit = off as $$
declare
  v _bemi.view;
  span constant tstzrange := _bemi.asked_span(view_id);
  versions jsonb;
begin
  select * into v from _bemi.view where id = view_id;
  if v.keys > 100000 then return null; end if;
  execute format(
    'select coalesce(jsonb_object_agg(k.primary_key, jsonb_build_array(%s)), ''{}'') '
    'from _bemi.key_%s k cross join lateral %s c', _bemi.probed_columns('c'), v.id,
    _bemi.probes(v, format('c.effective_at >= %L and c.effective_at < %L', lower(span), upper(span))))
  into versions;
  return versions;
exception when program_limit_exceeded then  -- rows that JSON cannot hold together
  return null;
end $$;

-- Whether there is an answer at all: else it raises, also where no row is looked at.
create or replace function _bemi.is_answered(view_id int) returns boolean
language sql stable parallel safe set search_path = pg_catalog, pg_temp as $$
  select (_bemi.asked(view_id)).at is not null
$$;

-- Rows from before this are gone: a baseline began again, or the table was emptied.
create or replace function _bemi.asked_floor(view_id int, out epoch int, out commit_position bigint,
  out sequence bigint)
language plpgsql stable parallel safe security definer set search_path = pg_catalog, pg_temp as $$
declare
  place _bemi.place := _bemi.asked(view_id);
  emptied record;
begin
  select * into emptied from _bemi.emptied(place);
  epoch := place.epoch;
  if (emptied.commit_position, emptied.sequence + 1) > (place.since, 0) then
    commit_position := emptied.commit_position;
    sequence := emptied.sequence + 1;
  else
    commit_position := place.since;
    sequence := 0;
  end if;
end $$;

-- Rows whose keys passed from one to another, which the newest change of a key does not tell.
create or replace function _bemi.asked_passes(view_id int) returns boolean
language sql stable parallel safe set search_path = pg_catalog, pg_temp as $$
  select case when exists (select from _bemi.key_pass p join _bemi.view v on v.source = p.source where v.id = view_id)
    then _bemi.has_passes(_bemi.asked(view_id)) else false end
$$;

create or replace function _bemi.asked_holder(view_id int, key text) returns setof @schema@.changes
language sql stable rows 1 cost 10000 parallel safe set search_path = pg_catalog, pg_temp as $$
  select h.* from _bemi.key_holder(_bemi.asked(view_id), key) h where h.id is not null
$$;

-- Instead of a value that is not known.
create or replace function _bemi.unknown_value(view_id int, name text) returns text
language plpgsql stable parallel safe security definer set search_path = pg_catalog, pg_temp as $$
declare v _bemi.view;
begin
  if _bemi.flag('bemi.partial') then return null; end if;
  select * into v from _bemi.view where id = view_id;
  raise exception 'a value of %.%.% is not known', v.schema, v."table", name
    using errcode = 'object_not_in_prerequisite_state',
          hint = 'take null for it with: set local bemi.partial = on';
end $$;

create or replace function _bemi.refuse_untracked(name text) returns boolean
language plpgsql stable parallel safe set search_path = pg_catalog, pg_temp as $$
begin
  raise exception '% is not tracked: its past is not known', name using errcode = 'undefined_table';
end $$;

-- Rows without a key, in the view's shape.
create or replace function _bemi.asked_content(view_id int) returns setof bemi.row_version
language plpgsql stable set search_path = pg_catalog, pg_temp as $$
declare
  place _bemi.place := _bemi.asked(view_id);
  v _bemi.view;
  retyped text;
begin
  select * into v from _bemi.view where id = view_id;
  -- The text of a column that had another type then.
  select string_agg(format('jsonb_build_object(%L, (%s)::text)', w ->> 'name', _bemi.typed_value(
                           o, format('(r."row" -> %L)', w ->> 'name'), format('(r.exact ->> %L)', w ->> 'name'))),
                             ' || ')
  into retyped
  from jsonb_array_elements(v.columns) w join jsonb_array_elements(place.columns) o
    on case when o ? 'number' and w ? 'number' then o -> 'number' = w -> 'number' else o -> 'name' = w -> 'name' end
  where o -> 'form' <> w -> 'form';
  -- A column that came later has no value yet.
  place.columns := (
    select jsonb_agg(case when exists (
                       select from jsonb_array_elements(place.columns) o
                       where case when o ? 'number' and w ? 'number' then o -> 'number' = w -> 'number'
                               else o -> 'name' = w -> 'name' end)
                     then w else w - 'missing' - 'missing_exact' end)
    from jsonb_array_elements(v.columns) w);
  place.mixed := place.mixed or _bemi.column_names(place.columns) <> _bemi.column_names(v.columns)
    or exists (select from _bemi.shape_maps(place) m where m.map is not null);
  return query execute format(
    'select r.primary_key, r."row", %s, r.fidelity, r.operation, r.effective_at, r.context '
    'from _bemi.keyless_rows_as_of($1) r',
    coalesce('coalesce(r.exact, ''{}'') || jsonb_strip_nulls(' || retyped || ')', 'r.exact')) using place;
end $$;
