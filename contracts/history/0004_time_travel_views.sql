-- The tables as they were, as views for an application's own queries: schema `time_travel` for `public`,
-- `time_travel_<schema>` for others. `bemi.refresh_time_travel()` makes them and keeps them up to date; it is
-- called by the worker, and may be called by anybody. A view joins the keys that its table ever had, typed
-- and indexed, with a probe of the history for each: conditions on a key become conditions on an index.

create table _bemi.view (
  id int generated always as identity primary key,
  source text not null,
  schema text not null,
  "table" text not null,
  relation bigint not null,
  view_schema text not null,
  made_of text,                    -- the definition that the view has
  columns jsonb not null default '[]',
  shown_as_text text[] not null default '{}',  -- columns whose type is not known here
  key_types text[] not null default '{}',      -- in the key's order; none: no key
  known_from timestamptz,          -- since when rows have this key
  keys_from_epoch int, keys_from_position bigint, keys_from_sequence bigint,
  shape_position bigint, shape_epoch int, shape_sequence bigint,
  changes bigint not null default 0,
  keys bigint not null default 0,
  baselines bigint not null default 0,
  until timestamptz,               -- the keys of all rows before this are known
  problem text,
  unique (source, schema, "table")
);

-- Tables of the source that are not tracked, with their columns: told by the worker.
create table _bemi.untracked (
  source text not null,
  schema text not null,
  "table" text not null,
  columns jsonb not null,  -- [[name, type], ...]; types that are not built in stand as text
  primary key (source, schema, "table")
);

-- Which views there are, from when on and until when they answer, and what they cannot.
create view bemi.time_travel_tables as
select v.source, v.schema, v."table", format('%I.%I', v.view_schema, v."table") as view, v.known_from, v.until,
       v.shown_as_text, v.problem
from _bemi.view v;

-- ---- What a view asks ----

create function _bemi.flag(name text) returns boolean
language sql stable parallel safe set search_path = pg_catalog as $$
  select coalesce(nullif(current_setting(name, true), ''), 'off')::boolean
$$;

create function _bemi.asked_time(view_id int, in_source text) returns timestamptz
language plpgsql stable parallel safe security definer set search_path = pg_catalog as $$
declare said text := nullif(current_setting('bemi.as_of', true), '');
begin
  if said is null then
    raise exception '% shows the past, and no time is given',
      (select format('%I.%I', v.view_schema, v."table") from _bemi.view v where v.id = view_id)
      using errcode = 'object_not_in_prerequisite_state', hint = 'set local bemi.as_of = ''2026-11-23 17:09:14+00''';
  end if;
  return bemi.moment(said, in_source);
end $$;

-- The table as of the time that was asked for; raises when there is no answer.
create function _bemi.asked(view_id int) returns _bemi.place
language plpgsql stable parallel safe security definer set search_path = pg_catalog as $$
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

create function _bemi.is_view_current(v _bemi.view, place _bemi.place) returns boolean
language sql stable parallel safe set search_path = pg_catalog as $$
  select (coalesce(place.at < v.until, false) or _bemi.flag('bemi.allow_stale'))
    and (select count(*) from _bemi.coverage c where c.source = v.source and c.relation = v.relation
           and c.rows_at is not null) = v.baselines
    and not exists (
      select from _bemi.relation_version n
      where n.source = v.source and n.relation = v.relation and n.effective_at <= place.at
        and (n.epoch, n.position, n.sequence) > (v.shape_epoch, v.shape_position, v.shape_sequence))
$$;

-- Whether there is an answer at all: else it raises, also where no row is looked at.
create function _bemi.is_answered(view_id int) returns boolean
language sql stable parallel safe set search_path = pg_catalog as $$
  select (_bemi.asked(view_id)).at is not null
$$;

-- Rows from before this are not there any more: a baseline began anew, or the table was emptied.
create function _bemi.asked_floor(view_id int, out epoch int, out commit_position bigint, out sequence bigint)
language plpgsql stable parallel safe security definer set search_path = pg_catalog as $$
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

-- Instead of a value that is not known.
create function _bemi.unknown_value(view_id int, name text) returns text
language plpgsql stable parallel safe security definer set search_path = pg_catalog as $$
declare v _bemi.view;
begin
  if _bemi.flag('bemi.partial') then return null; end if;
  select * into v from _bemi.view where id = view_id;
  raise exception 'a value of %.%.% is not known', v.schema, v."table", name
    using errcode = 'object_not_in_prerequisite_state',
          hint = 'take null for it with: set local bemi.partial = on';
end $$;

create function _bemi.refuse_untracked(name text) returns boolean
language plpgsql stable parallel safe set search_path = pg_catalog as $$
begin
  raise exception '% is not tracked: its past is not known', name using errcode = 'undefined_table';
end $$;

-- Rows without a key, in the view's shape.
create function _bemi.asked_content(view_id int) returns setof bemi.row_version
language plpgsql stable set search_path = pg_catalog as $$
declare
  place _bemi.place := _bemi.asked(view_id);
  v _bemi.view;
  retyped text;
begin
  select * into v from _bemi.view where id = view_id;
  -- Of a column that had another type then, its text.
  select string_agg(format('jsonb_build_object(%L, (%s)::text)', w ->> 'name', _bemi.typed_value(
                           o, format('(r."row" -> %L)', w ->> 'name'), format('(r.exact ->> %L)', w ->> 'name'))), ' || ')
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
    'select r.primary_key, r."row", %s, r.fidelity, r.operation, r.effective_at, r.context from _bemi.keyless_rows_as_of($1) r',
    coalesce('coalesce(r.exact, ''{}'') || jsonb_strip_nulls(' || retyped || ')', 'r.exact')) using place;
end $$;

-- ---- Types ----

-- A column's type as it is known here; null: it is not.
create function _bemi.type_here(col jsonb) returns text
language sql stable set search_path = pg_catalog as $$
  select case
    when (col #>> '{form,oid}')::bigint >= 16384 then to_regtype(col #>> '{form,name}')::text
    when not exists (select from pg_type t where t.oid = (col #>> '{form,oid}')::oid and t.typname !~ '^reg') then null
    when (col ->> 'type_oid')::bigint < 16384 then format_type((col ->> 'type_oid')::oid, (col ->> 'type_modifier')::int)
    else format_type((col #>> '{form,oid}')::oid, -1) end
$$;

-- The text of a value of a type that is not known here, from its JSON.
create function _bemi.exact_text(form jsonb, value jsonb) returns text
language plpgsql stable set search_path = pg_catalog as $$
declare result text; parts text;
begin
  if value is null or value = 'null' then return null; end if;
  if jsonb_typeof(value) = 'array' and form ->> 'kind' = 'array' then
    select coalesce('{' || string_agg(case
             when jsonb_typeof(e) = 'array' then _bemi.exact_text(form, e)
             else trim(both '{}' from array[_bemi.exact_text(form -> 'element', e)]::text) end,
             coalesce(form ->> 'delimiter', ',') order by place) || '}', '{}')
    into result from jsonb_array_elements(value) with ordinality as e (e, place);
  elsif jsonb_typeof(value) = 'object' and form ->> 'kind' = 'composite' then
    select string_agg(coalesce(quote_literal(_bemi.exact_text(a -> 'form', value -> (a ->> 'name'))), 'null') || '::text', ', '
                      order by place)
    into parts from jsonb_array_elements(form -> 'attributes') with ordinality as a (a, place);
    execute 'select row(' || coalesce(parts, '') || ')::text' into result;
  elsif (form ->> 'oid')::bigint < 16384 and form ->> 'name' not in ('json', 'jsonb') then
    execute format('select ($1 #>> ''{}'')::%s::text', format_type((form ->> 'oid')::oid, -1)) into result using value;
  else
    result := value #>> '{}';
  end if;
  return result;
end $$;

-- SQL that gives a column's value as its type here, from SQL that gives its JSON and its exact text.
create function _bemi.typed_value(col jsonb, from_json text, exact text) returns text
language sql stable set search_path = pg_catalog as $$
  select case
    when here.type is null then
      format('coalesce(%s, _bemi.exact_text(%L, %s))', exact, col -> 'form', from_json)
    when col #>> '{form,name}' in ('json', 'jsonb') then
      format('coalesce(%s, nullif(%s, ''null'')::text)::%s', exact, from_json, here.type)
    when col #>> '{form,kind}' = 'hstore' then format(
      'coalesce(%1$s, (select %2$s.hstore(coalesce(array_agg(e.key), ''{}''), coalesce(array_agg(e.value), ''{}''))::text '
      'from jsonb_each_text(nullif(%3$s, ''null'')) e having jsonb_typeof(%3$s) = ''object''))::%4$s', exact,
      (select t.typnamespace::regnamespace from pg_type t where t.oid = to_regtype(here.type)), from_json, here.type)
    when col #>> '{form,kind}' in ('array', 'composite', 'vector') then format(
      '(select r.v from jsonb_to_record(jsonb_build_object(''v'', coalesce(to_jsonb(%s), %s))) as r (v %s))',
      exact, from_json, here.type)
    else format('coalesce(%s, %s #>> ''{}'')::%s', exact, from_json, here.type) end
  from (select _bemi.type_here(col) as type) here
$$;

-- ---- Making the views ----

-- The spans of the history in which a table's changes stand under one name, over all epochs.
create function _bemi.view_segments(in_source text, in_relation bigint)
returns table (schema text, "table" text, is_first boolean, is_last boolean, starts text, ends text)
language sql stable set search_path = pg_catalog as $$
  with versions as (
    select v.*, lag(v.schema) over w is distinct from v.schema or lag(v."table") over w is distinct from v."table" as renamed
    from _bemi.relation_version v where v.source = in_source and v.relation = in_relation and not v.dropped
    window w as (order by v.epoch, v.position, v.sequence)
  )
  select v.schema, v."table", row_number() over w = 1, lead(v.epoch) over w is null,
         format('(%s, %s, %s)', v.epoch, v.position, v.sequence),
         lead(format('(%s, %s, %s)', v.epoch, v.position, v.sequence)) over w
  from versions v where v.renamed window w as (order by v.epoch, v.position, v.sequence)
$$;

-- Conditions that hold for the changes of a segment.
create function _bemi.segment_condition(alias text, in_source text, schema text, "table" text, is_first boolean, starts text, ends text,
                                        is_alone boolean)
returns text language sql immutable set search_path = pg_catalog as $$
  select format('%1$s."table" = %2$L and %1$s.schema = %3$L and %1$s.source = %4$L', alias, "table", schema, in_source)
    || case when is_first or is_alone then ''
         else format(' and (%1$s.epoch, %1$s.commit_position, %1$s.sequence) >= %2$s', alias, starts) end
    || case when ends is null then ''
         else format(' and (%1$s.epoch, %1$s.commit_position, %1$s.sequence) < %2$s', alias, ends) end
$$;

-- The same where the column had another type when the value was written: its text then, as the type of now.
create function _bemi.retyped_value(written jsonb, col jsonb, from_json text, exact text) returns text
language sql stable set search_path = pg_catalog as $$
  select case when written -> 'form' = col -> 'form' then _bemi.typed_value(col, from_json, exact)
    else format('(%s)::text::%s', _bemi.typed_value(written, from_json, exact), coalesce(_bemi.type_here(col), 'text')) end
$$;

-- SQL for one column: where its value stands changes with the table's shapes.
create function _bemi.view_column(view_id int, in_source text, in_relation bigint, col jsonb) returns text
language plpgsql stable set search_path = pg_catalog as $$
declare
  version record;
  type text := coalesce(_bemi.type_here(col), 'text');
  spans text := '';
  was text;
  now_is text;
begin
  for version in
    select format('(%s, %s, %s)', v.epoch, v.position, v.sequence) as place, w.written, n.added_at, n.added
    from _bemi.relation_version v
    left join lateral (
      select o as written from jsonb_array_elements(v.columns) o
      where case when o ? 'number' and col ? 'number' then o -> 'number' = col -> 'number' else o -> 'name' = col -> 'name' end
      limit 1) w on true
    left join lateral (  -- when it came
      select l.effective_at as added_at, o as added
      from _bemi.relation_version l cross join lateral jsonb_array_elements(l.columns) o
      where l.source = v.source and l.relation = v.relation and o -> 'number' = col -> 'number'
        and (l.epoch, l.position, l.sequence) > (v.epoch, v.position, v.sequence)
      order by l.epoch, l.position, l.sequence limit 1) n on w.written is null
    where v.source = in_source and v.relation = in_relation and not v.dropped
    order by v.epoch, v.position, v.sequence
  loop
    now_is := case
      when version.written is not null then format(
        'case when c.fidelity is null or c.fidelity -> ''after'' ->> %1$L is distinct from ''unknown'' then %2$s '
        'else _bemi.unknown_value(%3$s, %1$L)::%4$s end', version.written ->> 'name',
        _bemi.retyped_value(version.written, col, format('(c.after -> %L)', version.written ->> 'name'),
                            format('(c.exact -> ''after'' ->> %L)', version.written ->> 'name')),
        view_id, type)
      when version.added ? 'missing' then format(
        'case when (select _bemi.asked_time(%s, %L)) >= %L::timestamptz then %s end', view_id, in_source, version.added_at,
        _bemi.retyped_value(version.added, col, format('%L::jsonb', version.added ->> 'missing'),
                            format('%L::text', version.added ->> 'missing_exact')))
      else format('null::%s', type) end;
    if was is not null and was <> now_is then
      spans := spans || format('when (c.epoch, c.commit_position, c.sequence) < %s then %s ', version.place, was);
    end if;
    was := now_is;
  end loop;
  return case when spans = '' then was else format('case %selse %s end', spans, was) end;
end $$;

create function _bemi.keyed_view(v _bemi.view, version _bemi.relation_version) returns text
language plpgsql stable set search_path = pg_catalog as $$
declare
  probes text;
  moved text;
  list text;
begin
  select string_agg(format(
           '(select c.epoch, c.commit_position, c.sequence, c.effective_at, c.operation, c.after, c.exact, c.fidelity '
           'from @schema@.changes c where c.primary_key = k.primary_key and c.effective_at <= (select _bemi.asked_time(%s, %L)) and %s '
           'order by c.effective_at desc, c.commit_position desc, c.sequence desc limit 1)', v.id, v.source,
           _bemi.segment_condition('c', v.source, s.schema, s."table", s.is_first, s.starts, s.ends, s.is_first and s.is_last)),
           ' union all '),
         string_agg(_bemi.segment_condition('m', v.source, s.schema, s."table", s.is_first, s.starts, s.ends,
                                            s.is_first and s.is_last), ' or ')
  into probes, moved from _bemi.view_segments(v.source, v.relation) s;
  if probes like '%) union all (%' then
    probes := format('(select u.* from (%s) u order by u.epoch desc, u.commit_position desc, u.sequence desc limit 1)', probes);
  end if;
  select string_agg(format('%s as %I', coalesce('k.c' || array_position(version.primary_key, col ->> 'name'),
                                                _bemi.view_column(v.id, v.source, v.relation, col)), col ->> 'name'),
                    ', ' order by place)
  into list from jsonb_array_elements(version.columns) with ordinality as c (col, place);
  return format(
    'select %s from _bemi.key_%s k cross join lateral %s c where (select _bemi.is_answered(%2$s)) and c.operation <> ''DELETE'' '
    'and (c.epoch, c.commit_position, c.sequence) >= (select f.epoch, f.commit_position, f.sequence from _bemi.asked_floor(%2$s) f) '
    'and not exists (select from _bemi.key_change m where m.previous_key = k.primary_key '
    'and m.effective_at >= c.effective_at and m.effective_at <= (select _bemi.asked_time(%2$s, %5$L)) '
    'and (m.epoch, m.commit_position, m.sequence) > (c.epoch, c.commit_position, c.sequence) and (%4$s))',
    list, v.id, probes, moved, v.source);
end $$;

create function _bemi.keyless_view(v _bemi.view, version _bemi.relation_version) returns text
language sql stable set search_path = pg_catalog as $$
  select format('select %s from _bemi.asked_content(%s) r', string_agg(format('%s as %I',
                  _bemi.typed_value(col, format('(r."row" -> %L)', col ->> 'name'), format('(r.exact ->> %L)', col ->> 'name')),
                  col ->> 'name'), ', ' order by place), v.id)
  from jsonb_array_elements(version.columns) with ordinality as c (col, place)
$$;

-- The key's columns as they are told apart over time.
create function _bemi.key_signature(version _bemi.relation_version) returns jsonb
language sql immutable set search_path = pg_catalog as $$
  select coalesce(jsonb_agg(jsonb_build_array(coalesce(c -> 'number', c -> 'name'), c -> 'type_oid') order by k.place), '[]')
  from unnest(version.primary_key) with ordinality as k (name, place)
  join jsonb_array_elements(version.columns) c on c ->> 'name' = k.name
$$;

-- The first of the versions since which the table has the key that it has now.
create function _bemi.key_begins(version _bemi.relation_version, out begins _bemi.relation_version, out is_first boolean)
language sql stable set search_path = pg_catalog as $$
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

create function _bemi.make_key_table(v _bemi.view) returns void
language plpgsql set search_path = pg_catalog as $$
declare columns text := ''; names text := '';
begin
  execute format('drop table if exists _bemi.key_%s cascade', v.id);
  for i in 1 .. cardinality(v.key_types) loop
    columns := columns || format(', c%s %s', i, v.key_types[i]);
    names := names || case when i > 1 then ', ' else '' end || 'c' || i;
  end loop;
  execute format('create table _bemi.key_%s (primary_key text primary key%s)', v.id, columns);
  execute format('create index on _bemi.key_%s (%s) include (primary_key)', v.id, names);
end $$;

-- What the views are made of, as the newest description of its table says.
create function _bemi.described_view(v _bemi.view, version _bemi.relation_version) returns _bemi.view
language plpgsql stable set search_path = pg_catalog as $$
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
create function _bemi.settle_view(version _bemi.relation_version, in_schema text, in_table text) returns void
language plpgsql set search_path = pg_catalog as $$
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
    if had.made_of is null or (had.relation, had.key_types, had.keys_from_epoch, had.keys_from_position, had.keys_from_sequence)
       is distinct from (v.relation, v.key_types, v.keys_from_epoch, v.keys_from_position, v.keys_from_sequence) then
      execute format('drop view if exists %I.%I', had.view_schema, had."table");
      if cardinality(v.key_types) > 0 then perform _bemi.make_key_table(v); end if;
      v.until := null; v.keys := 0; v.changes := 0; v.made_of := null;
    end if;
    definition := format('create view %I.%I as %s', v.view_schema, v."table",
                         case when cardinality(v.key_types) > 0 then _bemi.keyed_view(v, newest)
                           else _bemi.keyless_view(v, newest) end);
    if definition is distinct from v.made_of then
      execute format('create schema if not exists %I', v.view_schema);
      execute format('drop view if exists %I.%I', had.view_schema, had."table");
      execute format('drop view if exists %I.%I', v.view_schema, v."table");
      execute definition;
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

create function _bemi.view_schema(in_source text, in_schema text, in_table text) returns text
language sql stable set search_path = pg_catalog as $$
  select 'time_travel' || case when count(distinct v.source) > 1 then '_' || in_source else '' end
         || case when in_schema = 'public' then '' else '_' || in_schema end
  from _bemi.relation_version v where v.schema = in_schema and v."table" = in_table
$$;

-- Keys of the rows that changed since, into the view's table of keys.
create function _bemi.gather_keys(v _bemi.view, since timestamptz) returns _bemi.view
language plpgsql set search_path = pg_catalog as $$
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
    'where not exists (select from _bemi.key_%2$s k where k.primary_key = t.primary_key) on conflict do nothing returning 1) '
    'select (select count(*) from tail) as changes, (select count(*) from added) as keys', conditions, v.id, parts)
  into done using since, v.keys_from_epoch, v.keys_from_position, v.keys_from_sequence;
  v.changes := v.changes + done.changes;
  -- The planner must know a table that has grown manifold.
  if v.keys + done.keys > 2 * v.keys + 100 then execute format('analyze _bemi.key_%s', v.id); end if;
  v.keys := v.keys + done.keys;
  return v;
end $$;

create table _bemi.view_source (source text primary key, until timestamptz, versions bigint not null default 0);

-- All keys of one source that are new.
create function _bemi.gather_all_keys(in_source text, known_until timestamptz) returns void
language plpgsql set search_path = pg_catalog as $$
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

-- Whoever may read the history may read the views.
create function _bemi.grant_views() returns void
language plpgsql set search_path = pg_catalog as $$
declare reader regrole; v record;
begin
  for reader in
    select a.grantee::regrole from pg_class c cross join lateral aclexplode(c.relacl) a
    where c.oid = '@schema@.changes'::regclass and a.privilege_type = 'SELECT' and a.grantee <> c.relowner and a.grantee <> 0
  loop
    for v in
      select n.nspname, c.relname from _bemi.view w
      join pg_namespace n on n.nspname = w.view_schema join pg_class c on c.relnamespace = n.oid and c.relname = w."table"
      where not has_table_privilege(reader::oid, c.oid, 'select') or not has_schema_privilege(reader::oid, n.oid, 'usage')
    loop
      execute format('grant usage on schema %I to %s', v.nspname, reader);
      execute format('grant select on %I.%I to %s', v.nspname, v.relname, reader);
    end loop;
  end loop;
end $$;

-- A view for each table that is not tracked, which says so.
create function _bemi.settle_untracked(in_source text) returns void
language plpgsql set search_path = pg_catalog as $$
declare u record; place text; list text;
begin
  for u in
    select *, 'time_travel' || case when schema = 'public' then '' else '_' || schema end as view_schema
    from _bemi.untracked n where n.source = in_source
      and not exists (select from _bemi.view v where v.schema = n.schema and v."table" = n."table")
  loop
    place := format('%I.%I', u.view_schema, u."table");
    -- With their types, so that a query fails for what it asks, and not for an operator.
    select coalesce(string_agg(format('null::%s as %I', coalesce(to_regtype(c ->> 1)::text, 'text'), c ->> 0), ', '
                               order by number), 'null::text as untracked') into list
    from jsonb_array_elements(u.columns) with ordinality as c (c, number);
    continue when to_regclass(place) is not null and list = (
      select coalesce(string_agg(format('null::%s as %I', atttypid::regtype, attname), ', ' order by attnum), '')
      from pg_attribute where attrelid = to_regclass(place) and attnum > 0 and not attisdropped);
    execute format('create schema if not exists %I', u.view_schema);
    execute format('drop view if exists %s', place);
    -- Behind a fence: a condition on a null would be found false, and nobody would be told.
    execute format('create view %s as select %s where _bemi.refuse_untracked(%L) offset 0', place, list,
                   format('%I.%I', u.schema, u."table"));
  end loop;
end $$;

-- Makes the views of all tracked tables, and brings them up to date with the history. Quick when nothing is new.
create function bemi.refresh_time_travel(everything boolean default true) returns void
language plpgsql security definer set search_path = pg_catalog set lock_timeout = '10s' as $$
declare
  s record;
  named record;
begin
  perform pg_advisory_xact_lock(1650814313, 4);
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

-- ---- Whole tables ----

-- How the rows of a whole table are found: each key by its own probe, or all changes read. `query` takes the place.
create function _bemi.plan_rows(place _bemi.place, out way text, out query text, out reason text)
language plpgsql stable set search_path = pg_catalog as $$
declare
  v _bemi.view;
  to_read bigint;
  -- What a probe costs, in changes read and sorted.
  probe_cost constant int := 4;
begin
  if exists (
    select from _bemi.segments(place) s join @schema@.changes c on c."table" = s."table" and c.schema = s.schema
    where c.primary_key is null and c.source = place.source and c.epoch = place.epoch and c.effective_at <= place.at
      and c.effective_at >= place.since_time and c.operation not in ('TRUNCATE', 'SCHEMA')
      and c.commit_position >= place.since)
  then
    way := 'content'; reason := 'rows without a key are counted by their content'; return;
  end if;
  select * into v from _bemi.view w
  where w.source = place.source and w.relation = place.relation and cardinality(w.key_types) > 0 and w.problem is null
    and place.at < w.until and place.at >= coalesce(w.known_from, '-infinity') and _bemi.is_view_current(w, place)
  order by w.until desc limit 1;
  if v.id is null then
    way := 'changes'; reason := 'the table of its keys is not there, or not up to that time';
    return;
  end if;
  to_read := _bemi.changes_to_read(v, place);
  way := case when v.keys * probe_cost >= to_read then 'changes' else 'keys' end;
  reason := format('%s keys to probe against about %s changes to read', v.keys, to_read);
  if way = 'keys' then query := _bemi.rows_by_key(v, place); end if;
end $$;

-- About how many: from the checkpoint before the time to the next one, or to now.
create function _bemi.changes_to_read(v _bemi.view, place _bemi.place) returns bigint
language sql stable set search_path = pg_catalog as $$
  select greatest(0, coalesce(min(c.changes_before) filter (where c.since > place.at), v.changes)
                     - coalesce(max(c.changes_before) filter (where c.since <= place.at), 0))
  from _bemi.coverage c
  where c.source = place.source and c.epoch = place.epoch and c.relation = place.relation and c.checkpoint
$$;

create function _bemi.span_condition(alias text, place _bemi.place, schema text, "table" text, from_position bigint,
                                     from_sequence bigint, to_position bigint, to_sequence bigint)
returns text language sql immutable set search_path = pg_catalog as $$
  select format('%1$s."table" = %2$L and %1$s.schema = %3$L and %1$s.source = %4$L and %1$s.epoch = %5$s '
                'and (%1$s.commit_position, %1$s.sequence) >= (%6$s, %7$s)', alias, "table", schema, place.source, place.epoch,
                from_position, from_sequence)
    || case when to_position = 9223372036854775807 then ''
         else format(' and (%1$s.commit_position, %1$s.sequence) < (%2$s, %3$s)', alias, to_position, to_sequence) end
$$;

-- A probe for each key that there ever was.
create function _bemi.rows_by_key(v _bemi.view, place _bemi.place) returns text
language sql stable set search_path = pg_catalog as $$
  select format($q$
    with asked as materialized (
      select e.commit_position, e.sequence from _bemi.emptied($1) e
    ), maps as materialized (select m.* from _bemi.shape_maps($1) m where ($1).mixed)
    select k.primary_key, case when m.map is null then c.after else _bemi.reshaped(m.map, c.after) end,
           case when m.map is null then c.exact -> 'after' else _bemi.reshaped_remarks(m.map, c.exact -> 'after', true) end,
           case when m.map is null then c.fidelity -> 'after'
             else _bemi.reshaped_remarks(m.map, c.fidelity -> 'after', false) end,
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
          and m.effective_at <= ($1).at and (m.commit_position, m.sequence) > (c.commit_position, c.sequence) and (%3$s))
  $q$, v.id, string_agg(format('(select c.* from @schema@.changes c where c.primary_key = k.primary_key and %s '
           'and c.effective_at <= ($1).at and c.effective_at >= ($1).since_time order by c.effective_at desc, c.commit_position desc, c.sequence desc limit 1)',
           p.condition), ' union all '), string_agg('(' || p.moved || ')', ' or '))
  from (
    select _bemi.span_condition('c', place, s.schema, s."table", s.from_position, s.from_sequence, s.to_position,
                                s.to_sequence) as condition,
           _bemi.span_condition('m', place, s.schema, s."table", s.from_position, s.from_sequence, s.to_position,
                                s.to_sequence) as moved
    from _bemi.segments(place) s
  ) p
$$;

-- How an answer would be found, in words.
create function bemi.explain_as_of(name text, at timestamptz, source text default null,
                                   partial boolean default false, allow_stale boolean default false)
returns setof text language plpgsql stable set search_path = pg_catalog as $$
declare
  place _bemi.place := _bemi.find_place(name, at, source, partial, allow_stale);
  plan record := _bemi.plan_rows(place);
begin
  return next format('%I.%I of %s, epoch %s, known whole since position %s%s', place.schema, place."table", place.source,
                     place.epoch, place.since::text,
                     case when place.since_time > '-infinity' then ', a checkpoint of ' || place.since_time else '' end);
  return next case plan.way
    when 'keys' then 'one probe of the index for each key'
    when 'content' then 'forward over all its changes, by content'
    else 'forward over all its changes' end || ': ' || plan.reason;
  if place.mixed then return next 'rows of former shapes are read in the shape of that time'; end if;
end $$;

-- ---- Copies ----

-- The tables that there were at a time, each with SQL that gives its rows, every value with its own text.
create function bemi.tables_at(at timestamptz, source text default null, partial boolean default false,
                               allow_stale boolean default false)
returns table (schema text, "table" text, relation bigint, primary_key text[], columns jsonb, query text)
language plpgsql stable set search_path = pg_catalog as $$
declare
  source_name text := source;
  in_epoch int;
begin
  if source_name is null then
    select min(s.name) into source_name from _bemi.source s having count(*) = 1;
    if source_name is null then
      raise exception 'there are several sources here' using errcode = 'ambiguous_parameter', hint = 'name one with source =>';
    end if;
  end if;
  in_epoch := _bemi.epoch_at(source_name, at, partial, allow_stale);
  return query
  select v.schema, v."table", v.relation, v.primary_key, jsonb_agg(jsonb_build_object(
           'name', c -> 'name', 'number', coalesce(c -> 'number', '0'), 'type',
           case when (c ->> 'type_oid')::bigint < 16384 then format_type((c ->> 'type_oid')::oid, (c ->> 'type_modifier')::int)
             when (c #>> '{form,oid}')::bigint < 16384 then format_type((c #>> '{form,oid}')::oid, -1)
             else c #>> '{form,name}' end) order by place),
         format('select %s from bemi.rows_as_of(%L, %L, %L, %L, %L) r', string_agg(format(
             'case when r.fidelity ->> %1$L is distinct from ''unknown'' then (%2$s)::text else _bemi.unknown_value(null, %1$L) end',
             c ->> 'name', _bemi.typed_value(c, format('(r."row" -> %L)', c ->> 'name'), format('(r.exact ->> %L)', c ->> 'name'))),
           ', ' order by place), format('%I.%I', v.schema, v."table"), tables_at.at, source_name, tables_at.partial,
           tables_at.allow_stale)
  from (
    select distinct on (v.relation) v.* from _bemi.relation_version v
    where v.source = source_name and v.epoch = in_epoch and v.effective_at <= tables_at.at
    order by v.relation, v.position desc, v.sequence desc
  ) v
  cross join lateral jsonb_array_elements(v.columns) with ordinality as c (c, place)
  where not v.dropped and not _bemi.is_partition(source_name, in_epoch, v.relation, v.position, v.sequence, tables_at.at)
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
