--
-- PostgreSQL database dump
--

\restrict 3EVtLhMApnGDlZS3mqkDhQo5H0qAKONFI2NYqa7bdt6H7E0BZYjY54zTx3iWVQf

-- Dumped from database version 14.23
-- Dumped by pg_dump version 15.18 (Debian 15.18-0+deb12u1)

SET statement_timeout = 0;
SET lock_timeout = 0;
SET idle_in_transaction_session_timeout = 0;
SET client_encoding = 'UTF8';
SET standard_conforming_strings = on;
SELECT pg_catalog.set_config('search_path', '', false);
SET check_function_bodies = false;
SET xmloption = content;
SET client_min_messages = warning;
SET row_security = off;

--
-- Name: _bemi; Type: SCHEMA; Schema: -; Owner: postgres
--

CREATE SCHEMA _bemi;


ALTER SCHEMA _bemi OWNER TO postgres;

--
-- Name: bemi; Type: SCHEMA; Schema: -; Owner: postgres
--

CREATE SCHEMA bemi;


ALTER SCHEMA bemi OWNER TO postgres;

--
-- Name: SCHEMA bemi; Type: COMMENT; Schema: -; Owner: postgres
--

COMMENT ON SCHEMA bemi IS 'Asks the past; made by Bemi.';


--
-- Name: public; Type: SCHEMA; Schema: -; Owner: postgres
--

-- *not* creating schema, since initdb creates it


ALTER SCHEMA public OWNER TO postgres;

--
-- Name: time_travel; Type: SCHEMA; Schema: -; Owner: postgres
--

CREATE SCHEMA time_travel;


ALTER SCHEMA time_travel OWNER TO postgres;

--
-- Name: time_travel_app; Type: SCHEMA; Schema: -; Owner: postgres
--

CREATE SCHEMA time_travel_app;


ALTER SCHEMA time_travel_app OWNER TO postgres;

--
-- Name: place; Type: TYPE; Schema: _bemi; Owner: postgres
--

CREATE TYPE _bemi.place AS (
	source text,
	epoch integer,
	relation bigint,
	schema text,
	"table" text,
	at timestamp with time zone,
	since bigint,
	columns jsonb,
	mixed boolean,
	since_time timestamp with time zone
);


ALTER TYPE _bemi.place OWNER TO postgres;

--
-- Name: row_version; Type: TYPE; Schema: bemi; Owner: postgres
--

CREATE TYPE bemi.row_version AS (
	primary_key text,
	"row" jsonb,
	exact jsonb,
	fidelity jsonb,
	operation text,
	effective_at timestamp with time zone,
	context jsonb
);


ALTER TYPE bemi.row_version OWNER TO postgres;

--
-- Name: asked(integer); Type: FUNCTION; Schema: _bemi; Owner: postgres
--

CREATE FUNCTION _bemi.asked(view_id integer) RETURNS _bemi.place
    LANGUAGE plpgsql STABLE SECURITY DEFINER PARALLEL SAFE
    SET search_path TO 'pg_catalog'
    AS $$
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


ALTER FUNCTION _bemi.asked(view_id integer) OWNER TO postgres;

--
-- Name: asked_content(integer); Type: FUNCTION; Schema: _bemi; Owner: postgres
--

CREATE FUNCTION _bemi.asked_content(view_id integer) RETURNS SETOF bemi.row_version
    LANGUAGE plpgsql STABLE
    SET search_path TO 'pg_catalog'
    AS $_$
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
end $_$;


ALTER FUNCTION _bemi.asked_content(view_id integer) OWNER TO postgres;

--
-- Name: asked_floor(integer); Type: FUNCTION; Schema: _bemi; Owner: postgres
--

CREATE FUNCTION _bemi.asked_floor(view_id integer, OUT epoch integer, OUT commit_position bigint, OUT sequence bigint) RETURNS record
    LANGUAGE plpgsql STABLE SECURITY DEFINER PARALLEL SAFE
    SET search_path TO 'pg_catalog'
    AS $$
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


ALTER FUNCTION _bemi.asked_floor(view_id integer, OUT epoch integer, OUT commit_position bigint, OUT sequence bigint) OWNER TO postgres;

--
-- Name: asked_time(integer, text); Type: FUNCTION; Schema: _bemi; Owner: postgres
--

CREATE FUNCTION _bemi.asked_time(view_id integer, in_source text) RETURNS timestamp with time zone
    LANGUAGE plpgsql STABLE SECURITY DEFINER PARALLEL SAFE
    SET search_path TO 'pg_catalog'
    AS $$
declare said text := nullif(current_setting('bemi.as_of', true), '');
begin
  if said is null then
    raise exception '% shows the past, and no time is given',
      (select format('%I.%I', v.view_schema, v."table") from _bemi.view v where v.id = view_id)
      using errcode = 'object_not_in_prerequisite_state', hint = 'set local bemi.as_of = ''2026-11-23 17:09:14+00''';
  end if;
  return bemi.moment(said, in_source);
end $$;


ALTER FUNCTION _bemi.asked_time(view_id integer, in_source text) OWNER TO postgres;

SET default_tablespace = '';

--
-- Name: changes; Type: TABLE; Schema: public; Owner: postgres
--

CREATE TABLE public.changes (
    id uuid NOT NULL,
    source text NOT NULL,
    database text NOT NULL,
    schema text NOT NULL,
    "table" text NOT NULL,
    primary_key text,
    operation text NOT NULL,
    before jsonb DEFAULT '{}'::jsonb NOT NULL,
    after jsonb DEFAULT '{}'::jsonb NOT NULL,
    context jsonb DEFAULT '{}'::jsonb NOT NULL,
    committed_at timestamp with time zone NOT NULL,
    effective_at timestamp with time zone NOT NULL,
    queued_at timestamp with time zone NOT NULL,
    created_at timestamp with time zone DEFAULT clock_timestamp() NOT NULL,
    transaction_id bigint NOT NULL,
    "position" bigint NOT NULL,
    epoch integer NOT NULL,
    commit_position bigint NOT NULL,
    sequence bigint NOT NULL,
    exact jsonb,
    fidelity jsonb
)
PARTITION BY RANGE (effective_at);


ALTER TABLE public.changes OWNER TO postgres;

--
-- Name: TABLE changes; Type: COMMENT; Schema: public; Owner: postgres
--

COMMENT ON TABLE public.changes IS 'Every change of the tracked tables, kept by Bemi. Append-only.';


--
-- Name: changes_since(_bemi.place, pg_snapshot, text); Type: FUNCTION; Schema: _bemi; Owner: postgres
--

CREATE FUNCTION _bemi.changes_since(place _bemi.place, seen pg_snapshot, key text DEFAULT NULL::text) RETURNS SETOF public.changes
    LANGUAGE sql STABLE
    SET search_path TO 'pg_catalog'
    AS $$
  select c.* from _bemi.later_segments(place) s
  join "public".changes c on c."table" = s."table" and c.schema = s.schema
    and (c.commit_position, c.sequence) >= (s.from_position, s.from_sequence)
    and (c.commit_position, c.sequence) < (s.to_position, s.to_sequence)
  where c.source = place.source and c.epoch = place.epoch and c.effective_at > place.at
    and c.operation in ('CREATE', 'UPDATE', 'DELETE')
    -- Only what is in the live rows that were read is undone.
    and pg_visible_in_snapshot(c.transaction_id::text::xid8, seen)
$$;


ALTER FUNCTION _bemi.changes_since(place _bemi.place, seen pg_snapshot, key text) OWNER TO postgres;

SET default_table_access_method = heap;

--
-- Name: view; Type: TABLE; Schema: _bemi; Owner: postgres
--

CREATE TABLE _bemi.view (
    id integer NOT NULL,
    source text NOT NULL,
    schema text NOT NULL,
    "table" text NOT NULL,
    relation bigint NOT NULL,
    view_schema text NOT NULL,
    made_of text,
    columns jsonb DEFAULT '[]'::jsonb NOT NULL,
    shown_as_text text[] DEFAULT '{}'::text[] NOT NULL,
    key_types text[] DEFAULT '{}'::text[] NOT NULL,
    known_from timestamp with time zone,
    keys_from_epoch integer,
    keys_from_position bigint,
    keys_from_sequence bigint,
    shape_position bigint,
    shape_epoch integer,
    shape_sequence bigint,
    changes bigint DEFAULT 0 NOT NULL,
    keys bigint DEFAULT 0 NOT NULL,
    baselines bigint DEFAULT 0 NOT NULL,
    until timestamp with time zone,
    problem text
);


ALTER TABLE _bemi.view OWNER TO postgres;

--
-- Name: changes_to_read(_bemi.view, _bemi.place); Type: FUNCTION; Schema: _bemi; Owner: postgres
--

CREATE FUNCTION _bemi.changes_to_read(v _bemi.view, place _bemi.place) RETURNS bigint
    LANGUAGE sql STABLE
    SET search_path TO 'pg_catalog'
    AS $$
  select greatest(0, coalesce(min(c.changes_before) filter (where c.since > place.at), v.changes)
                     - coalesce(max(c.changes_before) filter (where c.since <= place.at), 0))
  from _bemi.coverage c
  where c.source = place.source and c.epoch = place.epoch and c.relation = place.relation and c.checkpoint
$$;


ALTER FUNCTION _bemi.changes_to_read(v _bemi.view, place _bemi.place) OWNER TO postgres;

--
-- Name: checkpoint(timestamp with time zone, boolean, boolean); Type: FUNCTION; Schema: _bemi; Owner: postgres
--

CREATE FUNCTION _bemi.checkpoint(before timestamp with time zone, forget_earlier boolean DEFAULT false, where_worthwhile boolean DEFAULT false) RETURNS bigint
    LANGUAGE plpgsql
    SET search_path TO 'pg_catalog'
    AS $$
declare
  at constant timestamptz := before - interval '1 microsecond';
  s _bemi.source;
  named record;
  place _bemi.place;
  total bigint := 0;
begin
  perform pg_advisory_xact_lock(1650814313, 7);
  for s in
    select * from _bemi.source o where o.effective_at is not null
      and exists (select from _bemi.epoch e where e.source = o.name and e.began_at < before)
  loop
    if s.effective_at < before and s.state <> 'stopped' then
      raise exception 'the history of % is known until %, not yet for %', s.name, s.effective_at, before
        using errcode = 'object_not_in_prerequisite_state', hint = 'wait with: bemi sync';
    elsif exists (select from _bemi.baseline_piece p where p.source = s.name and p.epoch = s.epoch) then
      raise exception 'a baseline of % is under way', s.name using errcode = 'object_not_in_prerequisite_state';
    end if;
    for named in
      select format('%I.%I', t.schema, t."table") as name from bemi.tables_at(at, s.name, true, true) t
    loop
      place := _bemi.find_place(named.name, at, s.name, true, true);
      continue when _bemi.is_checkpointed(place, before)
        or where_worthwhile and not _bemi.is_checkpoint_worthwhile(place);
      total := total + _bemi.write_checkpoint(place, before, total);
    end loop;
    if forget_earlier then perform _bemi.forget(s.name, before); end if;
  end loop;
  return total;
end $$;


ALTER FUNCTION _bemi.checkpoint(before timestamp with time zone, forget_earlier boolean, where_worthwhile boolean) OWNER TO postgres;

--
-- Name: checkpoint_id(text, integer, bigint, bigint, timestamp with time zone); Type: FUNCTION; Schema: _bemi; Owner: postgres
--

CREATE FUNCTION _bemi.checkpoint_id(source text, epoch integer, commit_position bigint, sequence bigint, at timestamp with time zone) RETURNS uuid
    LANGUAGE sql IMMUTABLE
    SET search_path TO 'pg_catalog'
    AS $$
  select (lpad(to_hex((extract(epoch from at) * 1000)::bigint), 12, '0') || '8' || substr(hash, 1, 3)
          || to_hex(8 + (('x' || substr(hash, 4, 1))::bit(4)::int & 3)) || substr(hash, 5, 15))::uuid
  from md5(concat_ws('/', 'checkpoint', source, checkpoint_id.epoch, commit_position, sequence)) hash
$$;


ALTER FUNCTION _bemi.checkpoint_id(source text, epoch integer, commit_position bigint, sequence bigint, at timestamp with time zone) OWNER TO postgres;

--
-- Name: checkpoint_position(_bemi.place); Type: FUNCTION; Schema: _bemi; Owner: postgres
--

CREATE FUNCTION _bemi.checkpoint_position(place _bemi.place) RETURNS bigint
    LANGUAGE sql STABLE
    SET search_path TO 'pg_catalog'
    AS $$
  select greatest(place.since, e.consistent_point - '0/0', (
           select c.commit_position from "public".changes c
           where c.source = place.source and c.epoch = place.epoch and c.effective_at <= place.at
           order by c.effective_at desc, c.commit_position desc limit 1)) + 1
  from _bemi.epoch e where e.source = place.source and e.epoch = place.epoch
$$;


ALTER FUNCTION _bemi.checkpoint_position(place _bemi.place) OWNER TO postgres;

--
-- Name: column_names(jsonb); Type: FUNCTION; Schema: _bemi; Owner: postgres
--

CREATE FUNCTION _bemi.column_names(columns jsonb) RETURNS jsonb
    LANGUAGE sql IMMUTABLE
    SET search_path TO 'pg_catalog'
    AS $$
  select coalesce(jsonb_agg(jsonb_build_object('name', c -> 'name', 'number', c -> 'number') order by c -> 'name'), '[]')
  from jsonb_array_elements(columns) c
$$;


ALTER FUNCTION _bemi.column_names(columns jsonb) OWNER TO postgres;

--
-- Name: columns_of(regtype); Type: FUNCTION; Schema: _bemi; Owner: postgres
--

CREATE FUNCTION _bemi.columns_of(shape regtype) RETURNS TABLE(place integer, name text, type text, form text, hstore_schema text)
    LANGUAGE sql STABLE
    SET search_path TO 'pg_catalog'
    AS $$
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


ALTER FUNCTION _bemi.columns_of(shape regtype) OWNER TO postgres;

--
-- Name: relation_version; Type: TABLE; Schema: _bemi; Owner: postgres
--

CREATE TABLE _bemi.relation_version (
    source text NOT NULL,
    epoch integer NOT NULL,
    "position" bigint NOT NULL,
    relation bigint NOT NULL,
    schema text NOT NULL,
    "table" text NOT NULL,
    replica_identity text NOT NULL,
    columns jsonb NOT NULL,
    primary_key text[] NOT NULL,
    leaves jsonb DEFAULT '[]'::jsonb NOT NULL,
    assumed boolean NOT NULL,
    dropped boolean DEFAULT false NOT NULL,
    sequence bigint DEFAULT 0 NOT NULL,
    effective_at timestamp with time zone DEFAULT '-infinity'::timestamp with time zone NOT NULL,
    recorded_at timestamp with time zone DEFAULT now() NOT NULL
);


ALTER TABLE _bemi.relation_version OWNER TO postgres;

--
-- Name: described_view(_bemi.view, _bemi.relation_version); Type: FUNCTION; Schema: _bemi; Owner: postgres
--

CREATE FUNCTION _bemi.described_view(v _bemi.view, version _bemi.relation_version) RETURNS _bemi.view
    LANGUAGE plpgsql STABLE
    SET search_path TO 'pg_catalog'
    AS $$
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


ALTER FUNCTION _bemi.described_view(v _bemi.view, version _bemi.relation_version) OWNER TO postgres;

--
-- Name: diff_of(jsonb, jsonb); Type: FUNCTION; Schema: _bemi; Owner: postgres
--

CREATE FUNCTION _bemi.diff_of(old jsonb, new jsonb) RETURNS TABLE(primary_key text, operation text, before jsonb, after jsonb, changed jsonb)
    LANGUAGE sql STABLE
    SET search_path TO 'pg_catalog'
    AS $$
  with a as (
    select r.*, coalesce(r.primary_key, concat('a', row_number() over ())) as name
    from jsonb_to_recordset(old) r (primary_key text, "row" jsonb)
  ), b as (
    select r.*, coalesce(r.primary_key, concat('b', row_number() over ())) as name
    from jsonb_to_recordset(new) r (primary_key text, "row" jsonb)
  )
  select coalesce(a.primary_key, b.primary_key),
         case when a."row" is null then 'CREATE' when b."row" is null then 'DELETE' else 'UPDATE' end,
         coalesce(a."row", '{}'), coalesce(b."row", '{}'),
         _bemi.difference(coalesce(a."row", '{}'), coalesce(b."row", '{}'))
  from a full join b on a.name = b.name and (a.primary_key is null) = (b.primary_key is null)
  order by length(coalesce(a.primary_key, b.primary_key)), 1
$$;


ALTER FUNCTION _bemi.diff_of(old jsonb, new jsonb) OWNER TO postgres;

--
-- Name: difference(jsonb, jsonb); Type: FUNCTION; Schema: _bemi; Owner: postgres
--

CREATE FUNCTION _bemi.difference(before jsonb, after jsonb) RETURNS jsonb
    LANGUAGE sql IMMUTABLE
    SET search_path TO 'pg_catalog'
    AS $$
  select coalesce(jsonb_object_agg(key, jsonb_build_array(before -> key, after -> key)), '{}')
  from (select jsonb_object_keys(before) union select jsonb_object_keys(after)) keys (key)
  -- As text: jsonb takes 1.0 and 1.00 for equal, a person who changed it does not.
  where (before -> key)::text is distinct from (after -> key)::text
$$;


ALTER FUNCTION _bemi.difference(before jsonb, after jsonb) OWNER TO postgres;

--
-- Name: emptied(_bemi.place); Type: FUNCTION; Schema: _bemi; Owner: postgres
--

CREATE FUNCTION _bemi.emptied(place _bemi.place, OUT commit_position bigint, OUT sequence bigint) RETURNS record
    LANGUAGE sql STABLE
    SET search_path TO 'pg_catalog'
    AS $$
  select t.commit_position, t.sequence
  from _bemi.segments(place) s
  cross join lateral (
    select t.commit_position, t.sequence from "public".changes t
    where t.operation = 'TRUNCATE' and t."table" = s."table" and t.schema = s.schema and t.source = place.source
      and t.epoch = place.epoch and t.effective_at <= place.at and t.effective_at >= place.since_time
      and (t.commit_position, t.sequence) >= (s.from_position, s.from_sequence)
      and (t.commit_position, t.sequence) < (s.to_position, s.to_sequence)
    order by t.effective_at desc, t.commit_position desc, t.sequence desc limit 1
  ) t
  limit 1
$$;


ALTER FUNCTION _bemi.emptied(place _bemi.place, OUT commit_position bigint, OUT sequence bigint) OWNER TO postgres;

--
-- Name: epoch_at(text, timestamp with time zone, boolean, boolean); Type: FUNCTION; Schema: _bemi; Owner: postgres
--

CREATE FUNCTION _bemi.epoch_at(in_source text, at timestamp with time zone, partial boolean, allow_stale boolean) RETURNS integer
    LANGUAGE plpgsql STABLE
    SET search_path TO 'pg_catalog'
    AS $$
declare state _bemi.source; found _bemi.epoch; following _bemi.epoch;
begin
  if at is null then
    raise exception 'no time is given' using errcode = 'null_value_not_allowed';
  end if;
  select * into state from _bemi.source where name = in_source;
  -- Not at that very moment either: concurrent commits invert their times, so one to come may share it.
  if at >= coalesce(state.effective_at, '-infinity') and not allow_stale then
    raise exception 'the history of % is known until %, not yet for %', in_source,
      coalesce(state.effective_at::text, 'nowhere'), at
      using errcode = 'object_not_in_prerequisite_state',
            hint = 'wait with: bemi sync, or take what there is with allow_stale => true (--allow-stale)';
  end if;
  select * into found from _bemi.epoch e where e.source = in_source and e.began_at <= at
  order by e.epoch desc limit 1;
  if found.epoch is null then
    raise exception 'the history of % begins at %, after %', in_source,
      (select min(e.began_at) from _bemi.epoch e where e.source = in_source), at
      using errcode = 'object_not_in_prerequisite_state', hint = 'ask for a later time';
  end if;
  select * into following from _bemi.epoch e
  where e.source = in_source and e.epoch > found.epoch order by e.epoch limit 1;
  if following.previous_until < at and not partial then
    raise exception 'nothing is known of % between % and %', in_source, following.previous_until,
      following.began_at using errcode = 'object_not_in_prerequisite_state',
      hint = 'ask for another time, or take what was known before the gap with partial => true (--partial)';
  end if;
  return found.epoch;
end $$;


ALTER FUNCTION _bemi.epoch_at(in_source text, at timestamp with time zone, partial boolean, allow_stale boolean) OWNER TO postgres;

--
-- Name: exact_text(jsonb, jsonb); Type: FUNCTION; Schema: _bemi; Owner: postgres
--

CREATE FUNCTION _bemi.exact_text(form jsonb, value jsonb) RETURNS text
    LANGUAGE plpgsql STABLE
    SET search_path TO 'pg_catalog'
    AS $_$
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
end $_$;


ALTER FUNCTION _bemi.exact_text(form jsonb, value jsonb) OWNER TO postgres;

--
-- Name: find_place(text, timestamp with time zone, text, boolean, boolean); Type: FUNCTION; Schema: _bemi; Owner: postgres
--

CREATE FUNCTION _bemi.find_place(name text, at timestamp with time zone, in_source text, partial boolean, allow_stale boolean) RETURNS _bemi.place
    LANGUAGE plpgsql STABLE
    SET search_path TO 'pg_catalog'
    AS $$
declare
  named record := bemi.parse_table(name);
  found _bemi.place;
  version _bemi.relation_version;
  known _bemi.coverage;
begin
  found.source := _bemi.source_of(named.schema, named."table", in_source);
  found.epoch := _bemi.epoch_at(found.source, at, partial, allow_stale);
  found.at := at;
  version := _bemi.relation_at(found.source, found.epoch, named.schema, named."table", at);
  if version.relation is null then
    perform _bemi.raise_no_table(found.source, found.epoch, named.schema, named."table", at);
  end if;
  found.relation := version.relation;
  found.schema := version.schema;
  found."table" := version."table";
  found.columns := version.columns;
  select * into known from _bemi.coverage c
  where c.source = found.source and c.epoch = found.epoch and c.relation = found.relation and c.since <= find_place.at
  order by c.position desc limit 1;
  -- One that was a partition since has rows that others wrote under another name.
  if exists (select from _bemi.relation_version r
             where r.source = found.source and r.epoch = found.epoch and r.leaves @> to_jsonb(found.relation)
               and r.effective_at <= find_place.at and r.position > known.position) then
    known.whole := false;
  end if;
  if known.source is null and not partial then
    raise exception 'there is no history of %.% as of %', named.schema, named."table", at
      using errcode = 'object_not_in_prerequisite_state', hint = 'it begins later';
  elsif not known.whole and not partial then
    raise exception 'not all rows of %.% are known: those that have not changed since % are not in the history',
      named.schema, named."table", known.since using errcode = 'object_not_in_prerequisite_state',
      hint = 'take the rows that have changed with partial => true (--partial), or read the rest from the live table: bemi as-of';
  end if;
  found.since := coalesce(known.position, 0);
  -- A baseline's rows stand beside commits of about that time; a checkpoint's stand between two.
  found.since_time := case when known.checkpoint then known.since else '-infinity' end;
  found.mixed := (
    select count(distinct _bemi.column_names(v.columns)) > 1 from _bemi.relation_version v
    where v.source = found.source and v.epoch = found.epoch and v.relation = found.relation
      and v.effective_at <= find_place.at);
  return found;
end $$;


ALTER FUNCTION _bemi.find_place(name text, at timestamp with time zone, in_source text, partial boolean, allow_stale boolean) OWNER TO postgres;

--
-- Name: flag(text); Type: FUNCTION; Schema: _bemi; Owner: postgres
--

CREATE FUNCTION _bemi.flag(name text) RETURNS boolean
    LANGUAGE sql STABLE PARALLEL SAFE
    SET search_path TO 'pg_catalog'
    AS $$
  select coalesce(nullif(current_setting(name, true), ''), 'off')::boolean
$$;


ALTER FUNCTION _bemi.flag(name text) OWNER TO postgres;

--
-- Name: forget(text, timestamp with time zone); Type: FUNCTION; Schema: _bemi; Owner: postgres
--

CREATE FUNCTION _bemi.forget(in_source text, before timestamp with time zone) RETURNS void
    LANGUAGE plpgsql
    SET search_path TO 'pg_catalog'
    AS $$
declare marked text;
begin
  select m.name into marked from _bemi.mark m
  where m.source = in_source and m.effective_at < before and m.protected limit 1;
  if marked is not null then
    raise exception 'the mark % of % is protected, and older than %', marked, in_source, before
      using errcode = 'object_in_use', hint = 'bemi mark delete it, or keep the history for longer';
  end if;
  delete from _bemi.mark m where m.source = in_source and m.effective_at < before;
  delete from _bemi.epoch e where e.source = in_source and exists (
    select from _bemi.epoch o where o.source = in_source and o.epoch > e.epoch and o.began_at <= before);
  update _bemi.epoch e set began_at = before where e.source = in_source and e.began_at < before;
  delete from _bemi.key_change k where k.source = in_source and k.effective_at < before;
end $$;


ALTER FUNCTION _bemi.forget(in_source text, before timestamp with time zone) OWNER TO postgres;

--
-- Name: forget_tables(jsonb, timestamp with time zone); Type: FUNCTION; Schema: _bemi; Owner: postgres
--

CREATE FUNCTION _bemi.forget_tables(rules jsonb, before timestamp with time zone) RETURNS void
    LANGUAGE plpgsql
    SET search_path TO 'pg_catalog'
    AS $$
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


ALTER FUNCTION _bemi.forget_tables(rules jsonb, before timestamp with time zone) OWNER TO postgres;

--
-- Name: gather_all_keys(text, timestamp with time zone); Type: FUNCTION; Schema: _bemi; Owner: postgres
--

CREATE FUNCTION _bemi.gather_all_keys(in_source text, known_until timestamp with time zone) RETURNS void
    LANGUAGE plpgsql
    SET search_path TO 'pg_catalog'
    AS $$
declare
  v _bemi.view;
  was timestamptz := (select until from _bemi.view_source where source = in_source);
  baselines_now bigint;
  touched text[];
begin
  touched := array(select distinct format('%I.%I', c.schema, c."table") from "public".changes c
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


ALTER FUNCTION _bemi.gather_all_keys(in_source text, known_until timestamp with time zone) OWNER TO postgres;

--
-- Name: gather_keys(_bemi.view, timestamp with time zone); Type: FUNCTION; Schema: _bemi; Owner: postgres
--

CREATE FUNCTION _bemi.gather_keys(v _bemi.view, since timestamp with time zone) RETURNS _bemi.view
    LANGUAGE plpgsql
    SET search_path TO 'pg_catalog'
    AS $_$
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
    'with tail as materialized (select c.primary_key from "public".changes c where (%s) and c.effective_at >= $1 '
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
end $_$;


ALTER FUNCTION _bemi.gather_keys(v _bemi.view, since timestamp with time zone) OWNER TO postgres;

--
-- Name: grant_views(); Type: FUNCTION; Schema: _bemi; Owner: postgres
--

CREATE FUNCTION _bemi.grant_views() RETURNS void
    LANGUAGE plpgsql
    SET search_path TO 'pg_catalog'
    AS $$
declare reader regrole; v record;
begin
  for reader in
    select a.grantee::regrole from pg_class c cross join lateral aclexplode(c.relacl) a
    where c.oid = '"public".changes'::regclass and a.privilege_type = 'SELECT' and a.grantee <> c.relowner and a.grantee <> 0
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


ALTER FUNCTION _bemi.grant_views() OWNER TO postgres;

--
-- Name: is_ahead(_bemi.place, pg_snapshot); Type: FUNCTION; Schema: _bemi; Owner: postgres
--

CREATE FUNCTION _bemi.is_ahead(place _bemi.place, seen pg_snapshot) RETURNS boolean
    LANGUAGE sql STABLE
    SET search_path TO 'pg_catalog'
    AS $$
  select exists (select from pg_snapshot_xip(seen)) and exists (
    select from "public".changes c
    where c.source = place.source and c.epoch = place.epoch and c.effective_at <= place.at
      and c.effective_at > place.at - interval '1 day'
      and c.transaction_id in (select x::text::bigint from pg_snapshot_xip(seen) x))
$$;


ALTER FUNCTION _bemi.is_ahead(place _bemi.place, seen pg_snapshot) OWNER TO postgres;

--
-- Name: is_answered(integer); Type: FUNCTION; Schema: _bemi; Owner: postgres
--

CREATE FUNCTION _bemi.is_answered(view_id integer) RETURNS boolean
    LANGUAGE sql STABLE PARALLEL SAFE
    SET search_path TO 'pg_catalog'
    AS $$
  select (_bemi.asked(view_id)).at is not null
$$;


ALTER FUNCTION _bemi.is_answered(view_id integer) OWNER TO postgres;

--
-- Name: is_checkpoint_worthwhile(_bemi.place); Type: FUNCTION; Schema: _bemi; Owner: postgres
--

CREATE FUNCTION _bemi.is_checkpoint_worthwhile(place _bemi.place) RETURNS boolean
    LANGUAGE sql STABLE
    SET search_path TO 'pg_catalog'
    AS $$
  select exists (
    select from _bemi.view v where v.source = place.source and v.relation = place.relation
      and _bemi.changes_to_read(v, place) > 8 * v.keys + 1000)
$$;


ALTER FUNCTION _bemi.is_checkpoint_worthwhile(place _bemi.place) OWNER TO postgres;

--
-- Name: is_checkpointed(_bemi.place, timestamp with time zone); Type: FUNCTION; Schema: _bemi; Owner: postgres
--

CREATE FUNCTION _bemi.is_checkpointed(place _bemi.place, before timestamp with time zone) RETURNS boolean
    LANGUAGE sql STABLE
    SET search_path TO 'pg_catalog'
    AS $$
  select exists (
    select from _bemi.coverage c where c.source = place.source and c.epoch = place.epoch
      and c.relation = place.relation and c.checkpoint and c.since = before)
$$;


ALTER FUNCTION _bemi.is_checkpointed(place _bemi.place, before timestamp with time zone) OWNER TO postgres;

--
-- Name: is_moved(_bemi.place, text, bigint, bigint); Type: FUNCTION; Schema: _bemi; Owner: postgres
--

CREATE FUNCTION _bemi.is_moved(place _bemi.place, key text, commit_position bigint, sequence bigint) RETURNS boolean
    LANGUAGE sql STABLE
    SET search_path TO 'pg_catalog'
    AS $$
  select exists (
    select from _bemi.segments(place) s join _bemi.key_change k on k."table" = s."table" and k.schema = s.schema
      and (k.commit_position, k.sequence) >= (s.from_position, s.from_sequence)
      and (k.commit_position, k.sequence) < (s.to_position, s.to_sequence)
    where k.previous_key = key and k.source = place.source and k.epoch = place.epoch and k.effective_at <= place.at
      and (k.commit_position, k.sequence) > (is_moved.commit_position, is_moved.sequence))
$$;


ALTER FUNCTION _bemi.is_moved(place _bemi.place, key text, commit_position bigint, sequence bigint) OWNER TO postgres;

--
-- Name: is_partition(text, integer, bigint, bigint, bigint, timestamp with time zone); Type: FUNCTION; Schema: _bemi; Owner: postgres
--

CREATE FUNCTION _bemi.is_partition(in_source text, in_epoch integer, in_relation bigint, described bigint, described_sequence bigint, at timestamp with time zone) RETURNS boolean
    LANGUAGE sql STABLE
    SET search_path TO 'pg_catalog'
    AS $$
  select exists (
    select from _bemi.relation_version r
    where r.source = in_source and r.epoch = in_epoch and r.leaves @> to_jsonb(in_relation)
      and (r.position, r.sequence) > (described, described_sequence) and r.effective_at <= at)
$$;


ALTER FUNCTION _bemi.is_partition(in_source text, in_epoch integer, in_relation bigint, described bigint, described_sequence bigint, at timestamp with time zone) OWNER TO postgres;

--
-- Name: is_view_current(_bemi.view, _bemi.place); Type: FUNCTION; Schema: _bemi; Owner: postgres
--

CREATE FUNCTION _bemi.is_view_current(v _bemi.view, place _bemi.place) RETURNS boolean
    LANGUAGE sql STABLE PARALLEL SAFE
    SET search_path TO 'pg_catalog'
    AS $$
  select (coalesce(place.at < v.until, false) or _bemi.flag('bemi.allow_stale'))
    and (select count(*) from _bemi.coverage c where c.source = v.source and c.relation = v.relation
           and c.rows_at is not null) = v.baselines
    and not exists (
      select from _bemi.relation_version n
      where n.source = v.source and n.relation = v.relation and n.effective_at <= place.at
        and (n.epoch, n.position, n.sequence) > (v.shape_epoch, v.shape_position, v.shape_sequence))
$$;


ALTER FUNCTION _bemi.is_view_current(v _bemi.view, place _bemi.place) OWNER TO postgres;

--
-- Name: key_begins(_bemi.relation_version); Type: FUNCTION; Schema: _bemi; Owner: postgres
--

CREATE FUNCTION _bemi.key_begins(version _bemi.relation_version, OUT begins _bemi.relation_version, OUT is_first boolean) RETURNS record
    LANGUAGE sql STABLE
    SET search_path TO 'pg_catalog'
    AS $$
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


ALTER FUNCTION _bemi.key_begins(version _bemi.relation_version, OUT begins _bemi.relation_version, OUT is_first boolean) OWNER TO postgres;

--
-- Name: key_signature(_bemi.relation_version); Type: FUNCTION; Schema: _bemi; Owner: postgres
--

CREATE FUNCTION _bemi.key_signature(version _bemi.relation_version) RETURNS jsonb
    LANGUAGE sql IMMUTABLE
    SET search_path TO 'pg_catalog'
    AS $$
  select coalesce(jsonb_agg(jsonb_build_array(coalesce(c -> 'number', c -> 'name'), c -> 'type_oid') order by k.place), '[]')
  from unnest(version.primary_key) with ordinality as k (name, place)
  join jsonb_array_elements(version.columns) c on c ->> 'name' = k.name
$$;


ALTER FUNCTION _bemi.key_signature(version _bemi.relation_version) OWNER TO postgres;

--
-- Name: keyed_view(_bemi.view, _bemi.relation_version); Type: FUNCTION; Schema: _bemi; Owner: postgres
--

CREATE FUNCTION _bemi.keyed_view(v _bemi.view, version _bemi.relation_version) RETURNS text
    LANGUAGE plpgsql STABLE
    SET search_path TO 'pg_catalog'
    AS $_$
declare
  probes text;
  moved text;
  list text;
begin
  select string_agg(format(
           '(select c.epoch, c.commit_position, c.sequence, c.effective_at, c.operation, c.after, c.exact, c.fidelity '
           'from "public".changes c where c.primary_key = k.primary_key and c.effective_at <= (select _bemi.asked_time(%s, %L)) and %s '
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
end $_$;


ALTER FUNCTION _bemi.keyed_view(v _bemi.view, version _bemi.relation_version) OWNER TO postgres;

--
-- Name: keyless_rows_as_of(_bemi.place); Type: FUNCTION; Schema: _bemi; Owner: postgres
--

CREATE FUNCTION _bemi.keyless_rows_as_of(place _bemi.place) RETURNS SETOF bemi.row_version
    LANGUAGE plpgsql STABLE
    SET search_path TO 'pg_catalog'
    AS $$
declare emptied record;
begin
  select * into emptied from _bemi.emptied(place);
  if exists (
    select from _bemi.segments(place) s join "public".changes c on c."table" = s."table" and c.schema = s.schema
    where c.source = place.source and c.epoch = place.epoch and c.effective_at <= place.at
      and c.effective_at >= place.since_time and c.operation in ('UPDATE', 'DELETE')
      and c.commit_position >= place.since and c.fidelity is not null)
  then
    raise exception 'rows of %.% have no key, and a change does not say which row it was', place.schema, place."table"
      using errcode = 'object_not_in_prerequisite_state', hint = 'such tables need REPLICA IDENTITY FULL';
  end if;
  return query
  with maps as materialized (select m.* from _bemi.shape_maps(place) m where place.mixed)
  select null::text, n.content::jsonb, n.said, null::jsonb, null::text, null::timestamptz, null::jsonb
  from (
    select e.content, e.said, sum(e.count) as count
    from (
      select case when m.map is null then p.content else _bemi.reshaped(m.map, p.content) end::text as content,
             case when m.map is null then p.said else _bemi.reshaped_remarks(m.map, p.said, true) end as said, p.count
      from _bemi.segments(place) s
      join "public".changes c on c."table" = s."table" and c.schema = s.schema
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
        and c.operation not in ('TRUNCATE', 'SCHEMA')
        and (emptied.sequence is null
             or (c.commit_position, c.sequence) > (emptied.commit_position, emptied.sequence))
    ) e
    group by e.content, e.said
  ) n
  cross join lateral generate_series(1, n.count);
end $$;


ALTER FUNCTION _bemi.keyless_rows_as_of(place _bemi.place) OWNER TO postgres;

--
-- Name: keyless_view(_bemi.view, _bemi.relation_version); Type: FUNCTION; Schema: _bemi; Owner: postgres
--

CREATE FUNCTION _bemi.keyless_view(v _bemi.view, version _bemi.relation_version) RETURNS text
    LANGUAGE sql STABLE
    SET search_path TO 'pg_catalog'
    AS $$
  select format('select %s from _bemi.asked_content(%s) r', string_agg(format('%s as %I',
                  _bemi.typed_value(col, format('(r."row" -> %L)', col ->> 'name'), format('(r.exact ->> %L)', col ->> 'name')),
                  col ->> 'name'), ', ' order by place), v.id)
  from jsonb_array_elements(version.columns) with ordinality as c (col, place)
$$;


ALTER FUNCTION _bemi.keyless_view(v _bemi.view, version _bemi.relation_version) OWNER TO postgres;

--
-- Name: coverage; Type: TABLE; Schema: _bemi; Owner: postgres
--

CREATE TABLE _bemi.coverage (
    source text NOT NULL,
    epoch integer NOT NULL,
    relation bigint NOT NULL,
    schema text NOT NULL,
    "table" text NOT NULL,
    "position" bigint NOT NULL,
    since timestamp with time zone NOT NULL,
    whole boolean NOT NULL,
    membership bigint,
    rows_at timestamp with time zone,
    checkpoint boolean DEFAULT false NOT NULL,
    changes_before bigint
);


ALTER TABLE _bemi.coverage OWNER TO postgres;

--
-- Name: known_since(_bemi.coverage); Type: FUNCTION; Schema: _bemi; Owner: postgres
--

CREATE FUNCTION _bemi.known_since(c _bemi.coverage) RETURNS timestamp with time zone
    LANGUAGE sql STABLE
    SET search_path TO 'pg_catalog'
    AS $$
  select case
    when c.whole or c.position <= (select e.consistent_point - '0/0' from _bemi.epoch e
                                   where e.source = c.source and e.epoch = c.epoch) then c.since
    else coalesce((select o.effective_at from "public".changes o
                   where o.source = c.source and o.epoch = c.epoch and o.effective_at >= c.since
                     and o.commit_position >= c.position
                   order by o.effective_at, o.commit_position limit 1), 'infinity') end
$$;


ALTER FUNCTION _bemi.known_since(c _bemi.coverage) OWNER TO postgres;

--
-- Name: last_rows(text, integer, text, text, text[]); Type: FUNCTION; Schema: _bemi; Owner: postgres
--

CREATE FUNCTION _bemi.last_rows(in_source text, in_epoch integer, in_schema text, in_table text, keys text[]) RETURNS TABLE(key text, "row" jsonb, exact jsonb)
    LANGUAGE sql STABLE
    SET search_path TO 'pg_catalog'
    AS $$
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
    select c.* from "public".changes c
    where c."table" = in_table and c.primary_key = k.key and c.schema = in_schema and c.source = in_source
      and c.epoch = in_epoch
    order by c.effective_at desc, c.commit_position desc, c.sequence desc limit 1
  ) c
  where c.operation <> 'DELETE' and c.commit_position >= known.since and c.commit_position > known.shaped
    and not exists (
      select from "public".changes t where t.operation in ('TRUNCATE', 'SCHEMA') and t."table" = in_table
        and t.schema = in_schema and t.source = in_source and t.epoch = in_epoch
        and t.effective_at >= c.effective_at
        and (t.commit_position, t.sequence) > (c.commit_position, c.sequence))
    and not exists (
      select from _bemi.key_change m where m."table" = in_table and m.previous_key = k.key
        and m.schema = in_schema and m.source = in_source and m.epoch = in_epoch
        and m.effective_at >= c.effective_at
        and (m.commit_position, m.sequence) > (c.commit_position, c.sequence))
$$;


ALTER FUNCTION _bemi.last_rows(in_source text, in_epoch integer, in_schema text, in_table text, keys text[]) OWNER TO postgres;

--
-- Name: later_segments(_bemi.place); Type: FUNCTION; Schema: _bemi; Owner: postgres
--

CREATE FUNCTION _bemi.later_segments(place _bemi.place) RETURNS TABLE(schema text, "table" text, from_position bigint, from_sequence bigint, to_position bigint, to_sequence bigint)
    LANGUAGE plpgsql STABLE ROWS 1
    SET search_path TO 'pg_catalog'
    AS $$
begin
  place.at := 'infinity';
  return query select * from _bemi.segments(place);
end $$;


ALTER FUNCTION _bemi.later_segments(place _bemi.place) OWNER TO postgres;

--
-- Name: make_key_table(_bemi.view); Type: FUNCTION; Schema: _bemi; Owner: postgres
--

CREATE FUNCTION _bemi.make_key_table(v _bemi.view) RETURNS void
    LANGUAGE plpgsql
    SET search_path TO 'pg_catalog'
    AS $$
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


ALTER FUNCTION _bemi.make_key_table(v _bemi.view) OWNER TO postgres;

--
-- Name: map_of(_bemi.place, bigint, bigint); Type: FUNCTION; Schema: _bemi; Owner: postgres
--

CREATE FUNCTION _bemi.map_of(place _bemi.place, commit_position bigint, sequence bigint) RETURNS jsonb
    LANGUAGE sql STABLE
    SET search_path TO 'pg_catalog'
    AS $$
  select m.map from _bemi.shape_maps(place) m
  where (m.since, m.sequence) <= (map_of.commit_position, map_of.sequence)
  order by m.since desc, m.sequence desc limit 1
$$;


ALTER FUNCTION _bemi.map_of(place _bemi.place, commit_position bigint, sequence bigint) OWNER TO postgres;

--
-- Name: net_changes(text, text, text); Type: FUNCTION; Schema: _bemi; Owner: postgres
--

CREATE FUNCTION _bemi.net_changes(in_source text, asked text, condition text) RETURNS TABLE(schema text, "table" text, kind text, key text, columns text[], expected jsonb, expected_exact jsonb, target jsonb, target_exact jsonb, conflict text)
    LANGUAGE plpgsql STABLE
    SET search_path TO 'pg_catalog'
    AS $_$
begin
  return query execute format($query$
with chosen as materialized (
  select c.* from "public".changes c
  where c.source = %1$L and (%3$s) and c.operation in ('CREATE', 'UPDATE', 'DELETE', 'TRUNCATE')
), taken as materialized (
  -- What a TRUNCATE took is as if it had been deleted row by row.
  select e.schema, e."table", r.key, 'DELETE' as operation, true as mine, r."row" as before, '{}'::jsonb as after,
         r.exact as exact_before, null::jsonb as exact_after, r.fidelity as fidelity_before,
         e.epoch, e.commit_position, e.sequence
  from chosen e
  cross join lateral _bemi.rows_before(e.source, e.schema, e."table", e.epoch, e.commit_position, e.sequence) r
  where e.operation = 'TRUNCATE'
), named as (
  select c.schema, c."table", c.primary_key as key, c.operation, true as mine, c.before, c.after,
         c.exact -> 'before' as exact_before, c.exact -> 'after' as exact_after, c.fidelity -> 'before' as fidelity_before,
         c.epoch, c.commit_position, c.sequence
  from chosen c where c.operation <> 'TRUNCATE'
  union all select * from taken
), first as materialized (
  select distinct on (n.schema, n."table", n.key) n.schema, n."table", n.key, n.epoch, n.commit_position, n.sequence
  from named n where n.key is not null order by 1, 2, 3, 4, 5, 6
), began as (
  select min(c.effective_at) as at from chosen c
), events as materialized (
  select e.*, row_number() over (partition by e.schema, e."table", e.key order by e.epoch, e.commit_position, e.sequence) as nth,
         row_number() over (partition by e.schema, e."table", e.key
                            order by e.epoch desc, e.commit_position desc, e.sequence desc) as from_last
  from (
    select c.schema, c."table", c.primary_key as key, c.operation, (%2$s) as mine, c.before, c.after,
           c.exact -> 'before' as exact_before, c.exact -> 'after' as exact_after,
           c.fidelity -> 'before' as fidelity_before, c.epoch, c.commit_position, c.sequence
    from first f join "public".changes c on c."table" = f."table" and c.primary_key = f.key and c.schema = f.schema
    where c.source = %1$L and c.operation in ('CREATE', 'UPDATE', 'DELETE')
      and c.effective_at >= (select at from began)
      and (c.epoch, c.commit_position, c.sequence) >= (f.epoch, f.commit_position, f.sequence)
    union all select * from taken t where t.key is not null
  ) e
), lives as materialized (
  select e.schema, e."table", e.key, bool_and(e.mine) as all_mine,
         -- Updates of whomever, and at most our own removal at the end.
         bool_and(e.operation = 'UPDATE' or e.mine and e.operation = 'DELETE' and e.from_last = 1) as one_life
  from events e group by 1, 2, 3
), ends as materialized (
  select l.*, f.operation as first_operation, f.before as was, coalesce(f.exact_before, '{}') as was_exact,
         coalesce(f.fidelity_before, '{}') as unknown, z.operation as last_operation, z.after as now,
         coalesce(z.exact_after, '{}') as now_exact, z.before as last_before,
         coalesce(z.exact_before, '{}') as last_before_exact, coalesce(z.fidelity_before, '{}') as last_unknown
  from lives l
  join events f on f.nth = 1 and (f.schema, f."table", f.key) = (l.schema, l."table", l.key)
  join events z on z.from_last = 1 and (z.schema, z."table", z.key) = (l.schema, l."table", l.key)
), writes as (
  -- Who wrote which column, of rows that others have written too.
  select e.schema, e."table", e.key, k.name, e.nth, e.mine, e.before -> k.name as old, e.exact_before -> k.name as old_exact,
         e.after -> k.name as new, e.exact_after -> k.name as new_exact, not e.before ? k.name as unsure
  from lives l join events e on (e.schema, e."table", e.key) = (l.schema, l."table", l.key)
  cross join lateral jsonb_object_keys(e.after) k (name)
  where not l.all_mine and l.one_life and e.operation = 'UPDATE'
    and ((e.before -> k.name)::text, e.exact_before -> k.name) is distinct from ((e.after -> k.name)::text, e.exact_after -> k.name)
), written as (
  select w.schema, w."table", w.key, w.name, coalesce(max(w.nth) filter (where not w.mine), 0) as theirs,
         max(w.nth) filter (where w.mine) as ours
  from writes w group by 1, 2, 3, 4
), back as (
  -- Our last run of writes goes back to what was before it.
  select w.schema, w."table", w.key, w.name, o.old, o.old_exact, o.unsure, w.theirs > w.ours as overwritten
  from written w
  join lateral (
    select o.* from writes o where (o.schema, o."table", o.key, o.name) = (w.schema, w."table", w.key, w.name)
      and o.mine and (o.nth > w.theirs or w.theirs > w.ours) order by o.nth limit 1
  ) o on true
  where w.ours is not null
), shared as (
  select b.schema, b."table", b.key,
         coalesce(jsonb_object_agg(b.name, b.old) filter (where not b.unsure), '{}') as values,
         coalesce(jsonb_object_agg(b.name, b.old_exact) filter (where b.old_exact is not null), '{}') as exact,
         array_agg(b.name) as names, bool_or(b.overwritten) as overwritten, bool_or(b.unsure) as unsure
  from back b group by 1, 2, 3
), rows as (
  select e.schema, e."table", e.key, case when e.last_operation <> 'DELETE' then e.now end as expected, e.now_exact as expected_exact,
         case when e.first_operation <> 'CREATE' then e.was end as target, e.was_exact as target_exact, e.unknown,
         null::text[] as names, null::text as conflict
  from ends e where e.all_mine
  union all
  select e.schema, e."table", e.key, case when e.last_operation <> 'DELETE' then e.now end, e.now_exact,
         case when e.last_operation = 'DELETE' then e.last_before || coalesce(s.values, '{}') else coalesce(s.values, '{}') end,
         case when e.last_operation = 'DELETE' then e.last_before_exact - coalesce(s.names, '{}') else '{}' end || coalesce(s.exact, '{}'),
         case when e.last_operation = 'DELETE' then e.last_unknown else '{}' end,
         coalesce(s.names, '{}'),
         case when s.overwritten then 'changed again since by others' when s.unsure then 'its old value is not in the history' end
  from ends e left join shared s using (schema, "table", key)
  where not e.all_mine and e.one_life
  union all
  select e.schema, e."table", e.key, null, '{}', null, '{}', '{}', '{}',
         case when (case when e.last_operation <> 'DELETE' then e.now::text || e.now_exact::text end)
              is distinct from (case when e.first_operation <> 'CREATE' then e.was::text || e.was_exact::text end)
         then 'removed, or made anew, since by others' end
  from ends e where not e.all_mine and not e.one_life
), typed as (
  select r.*, case when r.conflict is not null then 'C' when r.expected is null and r.target is null then 'N'
                when r.target is null then 'D' when r.expected is null then 'I' else 'U' end as kind
  from rows r
), netted as (
  select t.schema, t."table", t.kind, t.key, case t.kind
           when 'U' then array(select k from jsonb_object_keys(t.target) k
             where (t.names is null or k = any (t.names)) and t.expected ? k
               and ((t.expected -> k)::text, t.expected_exact -> k) is distinct from ((t.target -> k)::text, t.target_exact -> k))
           when 'D' then array(select jsonb_object_keys(t.expected))
           when 'I' then array(select jsonb_object_keys(t.target)) else '{}' end as columns,
         coalesce(t.expected, '{}') as expected, t.expected_exact, coalesce(t.target, '{}') as target, t.target_exact,
         case when t.conflict is not null then t.conflict
           when t.kind = 'I' and exists (select from jsonb_each_text(t.unknown) u where u.value in ('unknown', 'redacted'))
             or t.kind = 'U' and exists (select from jsonb_each_text(t.unknown) u where u.value = 'unknown')
           then 'its old value is not in the history' end as conflict
  from typed t where t.kind <> 'N'
), loosely as (
  select n.schema, n."table", n.operation, n.before, n.after, n.exact_before, n.exact_after, n.fidelity_before, true as asked
  from named n where n.key is null
  union all
  select c.schema, c."table", c.operation, c.before, c.after, c.exact -> 'before', c.exact -> 'after', c.fidelity -> 'before', false
  from "public".changes c
  where c.source = %1$L and c.primary_key is null and c.operation in ('CREATE', 'UPDATE', 'DELETE')
    and c.effective_at >= (select at from began) and (%2$s) and not (%3$s)
    and (c.schema, c."table") in (select n.schema, n."table" from named n where n.key is null)
), loose as (
  select n.schema, n."table", n.content, n.said, n.unsure, sum(n.count) as count from (
    select schema, "table", after as content, coalesce(exact_after, '{}') as said, false as unsure, -1 as count, asked
    from loosely where operation in ('CREATE', 'UPDATE')
    union all
    select schema, "table", before, coalesce(exact_before, '{}'), coalesce(fidelity_before, '{}') <> '{}', 1, asked
    from loosely where operation in ('UPDATE', 'DELETE')
  ) n group by 1, 2, 3, 4, 5 having sum(n.count) <> 0 and bool_or(n.asked)
)
select n.* from netted n where n.kind <> 'U' or n.columns <> '{}' or n.conflict is not null
union all
select l.schema, l."table", case when l.count > 0 then 'I' else 'D' end, null, array(select jsonb_object_keys(l.content)),
       case when l.count > 0 then '{}' else l.content end, case when l.count > 0 then '{}' else l.said end,
       case when l.count > 0 then l.content else '{}' end, case when l.count > 0 then l.said else '{}' end,
       case when l.unsure then 'its old value is not in the history' end
from loose l cross join lateral generate_series(1, abs(l.count))
order by 1, 2, 4 nulls first
$query$, in_source, condition, asked);
end $_$;


ALTER FUNCTION _bemi.net_changes(in_source text, asked text, condition text) OWNER TO postgres;

--
-- Name: plan_rows(_bemi.place); Type: FUNCTION; Schema: _bemi; Owner: postgres
--

CREATE FUNCTION _bemi.plan_rows(place _bemi.place, OUT way text, OUT query text, OUT reason text) RETURNS record
    LANGUAGE plpgsql STABLE
    SET search_path TO 'pg_catalog'
    AS $$
declare
  v _bemi.view;
  to_read bigint;
  -- What a probe costs, in changes read and sorted.
  probe_cost constant int := 4;
begin
  if exists (
    select from _bemi.segments(place) s join "public".changes c on c."table" = s."table" and c.schema = s.schema
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


ALTER FUNCTION _bemi.plan_rows(place _bemi.place, OUT way text, OUT query text, OUT reason text) OWNER TO postgres;

--
-- Name: raise_no_table(text, integer, text, text, timestamp with time zone); Type: FUNCTION; Schema: _bemi; Owner: postgres
--

CREATE FUNCTION _bemi.raise_no_table(in_source text, in_epoch integer, in_schema text, in_table text, at timestamp with time zone) RETURNS void
    LANGUAGE plpgsql STABLE
    SET search_path TO 'pg_catalog'
    AS $$
declare known _bemi.relation_version;
begin
  select v.* into known
  from _bemi.relation_version n
  cross join lateral (
    select v.* from _bemi.relation_version v
    where v.source = in_source and v.epoch = in_epoch and v.relation = n.relation and v.effective_at <= at
    order by v.position desc, v.sequence desc limit 1
  ) v
  where n.source = in_source and n.epoch = in_epoch and n.schema = in_schema and n."table" = in_table
    and n.effective_at <= at
  order by n.position desc, n.sequence desc limit 1;
  if known.dropped then
    raise exception '%.% was dropped before %', in_schema, in_table, at
      using errcode = 'undefined_table', hint = 'ask for a time before that';
  elsif _bemi.is_partition(in_source, in_epoch, known.relation, known.position, known.sequence, at) then
    raise exception '%.% was a partition of another table at %', in_schema, in_table, at
      using errcode = 'undefined_table', hint = 'ask for the rows of that table';
  elsif known.relation is not null then
    raise exception '%.% had another name at %: %.%', in_schema, in_table, at, known.schema, known."table"
      using errcode = 'undefined_table', hint = 'ask for a time before that, or by its new name';
  end if;
  raise exception 'there is no history of %.% as of %', in_schema, in_table, at
    using errcode = 'object_not_in_prerequisite_state', hint = 'it begins later';
end $$;


ALTER FUNCTION _bemi.raise_no_table(in_source text, in_epoch integer, in_schema text, in_table text, at timestamp with time zone) OWNER TO postgres;

--
-- Name: refuse_untracked(text); Type: FUNCTION; Schema: _bemi; Owner: postgres
--

CREATE FUNCTION _bemi.refuse_untracked(name text) RETURNS boolean
    LANGUAGE plpgsql STABLE PARALLEL SAFE
    SET search_path TO 'pg_catalog'
    AS $$
begin
  raise exception '% is not tracked: its past is not known', name using errcode = 'undefined_table';
end $$;


ALTER FUNCTION _bemi.refuse_untracked(name text) OWNER TO postgres;

--
-- Name: relation_at(text, integer, text, text, timestamp with time zone); Type: FUNCTION; Schema: _bemi; Owner: postgres
--

CREATE FUNCTION _bemi.relation_at(in_source text, in_epoch integer, in_schema text, in_table text, at timestamp with time zone) RETURNS _bemi.relation_version
    LANGUAGE sql STABLE
    SET search_path TO 'pg_catalog'
    AS $$
  select v.*
  from (select distinct n.relation from _bemi.relation_version n
        where n.schema = in_schema and n."table" = in_table and n.source = in_source and n.epoch = in_epoch) named
  cross join lateral (
    select v.* from _bemi.relation_version v
    where v.source = in_source and v.epoch = in_epoch and v.relation = named.relation and v.effective_at <= at
    order by v.position desc, v.sequence desc limit 1
  ) v
  where not v.dropped and not _bemi.is_partition(in_source, in_epoch, v.relation, v.position, v.sequence, at)
    and ((v.schema, v."table") = (in_schema, in_table) or exists (
    select from _bemi.relation_version n
    where n.source = in_source and n.epoch = in_epoch and n.relation = v.relation and n.schema = in_schema
      and n."table" = in_table and not n.dropped and n.effective_at > at))
  order by (v.schema, v."table") = (in_schema, in_table) desc, v.position desc limit 1
$$;


ALTER FUNCTION _bemi.relation_at(in_source text, in_epoch integer, in_schema text, in_table text, at timestamp with time zone) OWNER TO postgres;

--
-- Name: reshape(jsonb, jsonb, jsonb, jsonb); Type: FUNCTION; Schema: _bemi; Owner: postgres
--

CREATE FUNCTION _bemi.reshape(map jsonb, INOUT "row" jsonb, INOUT exact jsonb, INOUT fidelity jsonb) RETURNS record
    LANGUAGE sql IMMUTABLE
    AS $$
  select case when map is null then "row" else _bemi.reshaped(map, "row") end,
         case when map is null then exact else _bemi.reshaped_remarks(map, exact, true) end,
         case when map is null then fidelity else _bemi.reshaped_remarks(map, fidelity, false) end
$$;


ALTER FUNCTION _bemi.reshape(map jsonb, INOUT "row" jsonb, INOUT exact jsonb, INOUT fidelity jsonb) OWNER TO postgres;

--
-- Name: reshaped(jsonb, jsonb); Type: FUNCTION; Schema: _bemi; Owner: postgres
--

CREATE FUNCTION _bemi.reshaped(map jsonb, "row" jsonb) RETURNS jsonb
    LANGUAGE sql IMMUTABLE
    SET search_path TO 'pg_catalog'
    AS $$
  select coalesce(jsonb_object_agg(m ->> 0, case when m ->> 1 is null then coalesce((m ->> 2)::jsonb, 'null')
                                              else "row" -> (m ->> 1) end), '{}')
  from jsonb_array_elements(map) m where m ->> 1 is null or "row" ? (m ->> 1)
$$;


ALTER FUNCTION _bemi.reshaped(map jsonb, "row" jsonb) OWNER TO postgres;

--
-- Name: reshaped_remarks(jsonb, jsonb, boolean); Type: FUNCTION; Schema: _bemi; Owner: postgres
--

CREATE FUNCTION _bemi.reshaped_remarks(map jsonb, remarks jsonb, with_missing boolean) RETURNS jsonb
    LANGUAGE sql IMMUTABLE
    SET search_path TO 'pg_catalog'
    AS $$
  select nullif(coalesce(jsonb_object_agg(m ->> 0, coalesce(remarks -> (m ->> 1), m -> 3)), '{}'), '{}')
  from jsonb_array_elements(map) m
  where remarks ? (m ->> 1) or with_missing and m ->> 1 is null and m ->> 3 is not null
$$;


ALTER FUNCTION _bemi.reshaped_remarks(map jsonb, remarks jsonb, with_missing boolean) OWNER TO postgres;

--
-- Name: restored_columns(regtype); Type: FUNCTION; Schema: _bemi; Owner: postgres
--

CREATE FUNCTION _bemi.restored_columns(shape regtype) RETURNS text
    LANGUAGE sql STABLE
    SET search_path TO 'pg_catalog'
    AS $_$
  with columns as (select * from _bemi.columns_of(shape)),
  record as (
    select format('(jsonb_populate_record(null::%1$s, ("row" || coalesce(exact, ''{}'')) - %2$L::text[]))', shape,
                  coalesce(array_agg(name) filter (where form <> 'plain'), '{}')) as plain
    from columns
  )
  select coalesce(string_agg(
    case form
      when 'json' then format('coalesce(exact ->> %1$L, nullif("row" -> %1$L, ''null'')::text)::%2$s as %3$I', name, type, name)
      when 'hstore' then format(
        'coalesce(exact ->> %1$L, (select %3$s.hstore(coalesce(array_agg(key), ''{}''), coalesce(array_agg(value), ''{}''))::text '
        'from jsonb_each_text(nullif("row" -> %1$L, ''null'')) having jsonb_typeof("row" -> %1$L) = ''object''))::%2$s as %4$I',
        name, type, hstore_schema, name)
      else format('%s.%I', record.plain, name) end, ', ' order by place), '')
  from columns, record
$_$;


ALTER FUNCTION _bemi.restored_columns(shape regtype) OWNER TO postgres;

--
-- Name: retyped_value(jsonb, jsonb, text, text); Type: FUNCTION; Schema: _bemi; Owner: postgres
--

CREATE FUNCTION _bemi.retyped_value(written jsonb, col jsonb, from_json text, exact text) RETURNS text
    LANGUAGE sql STABLE
    SET search_path TO 'pg_catalog'
    AS $$
  select case when written -> 'form' = col -> 'form' then _bemi.typed_value(col, from_json, exact)
    else format('(%s)::text::%s', _bemi.typed_value(written, from_json, exact), coalesce(_bemi.type_here(col), 'text')) end
$$;


ALTER FUNCTION _bemi.retyped_value(written jsonb, col jsonb, from_json text, exact text) OWNER TO postgres;

--
-- Name: revert_condition(jsonb, bigint, text, text, text, timestamp with time zone, timestamp with time zone, text, uuid[]); Type: FUNCTION; Schema: _bemi; Owner: postgres
--

CREATE FUNCTION _bemi.revert_condition(context jsonb, transaction bigint, table_name text, primary_key text, operation text, since timestamp with time zone, until timestamp with time zone, trace text, changes uuid[]) RETURNS text
    LANGUAGE plpgsql IMMUTABLE
    SET search_path TO 'pg_catalog'
    AS $_$
declare
  place record;
  said record;
  parts text[] := '{}';
begin
  if table_name is not null then
    place := bemi.parse_table(table_name);
    parts := parts || format('c."table" = %L and c.schema = %L', place."table", place.schema);
  end if;
  if primary_key is not null then parts := parts || format('c.primary_key = %L', primary_key); end if;
  if operation is not null then parts := parts || format('c.operation = %L', upper(operation)); end if;
  if transaction is not null then parts := parts || format('c.transaction_id = %s', transaction); end if;
  if since is not null then parts := parts || format('c.effective_at >= %L', since); end if;
  if until is not null then parts := parts || format('c.effective_at < %L', until); end if;
  if changes is not null then parts := parts || format('c.id = any (%L::uuid[])', changes); end if;
  if trace is not null then context := coalesce(context, '{}') || jsonb_build_object('trace_id', trace); end if;
  for said in select key, value from jsonb_each(coalesce(context, '{}')) loop
    -- 42 is stored as a number or as a string, whichever the application passed: either matches.
    parts := parts || format('(c.context @> %L%s)', jsonb_build_object(said.key, said.value),
      case
        when jsonb_typeof(said.value) in ('number', 'boolean')
          then format(' or c.context @> %L', jsonb_build_object(said.key, said.value #>> '{}'))
        when jsonb_typeof(said.value) = 'string' and said.value #>> '{}' ~ '^(-?(0|[1-9][0-9]*)(\.[0-9]+)?|true|false)$'
          then format(' or c.context @> %L', jsonb_build_object(said.key, (said.value #>> '{}')::jsonb))
        else '' end);
  end loop;
  if parts = '{}' then
    raise exception 'nothing says which changes to undo'
      using errcode = 'invalid_parameter_value',
            hint = 'give at least one of context, transaction, table_name, primary_key, since, until, trace, changes';
  end if;
  return array_to_string(parts, ' and ');
end $_$;


ALTER FUNCTION _bemi.revert_condition(context jsonb, transaction bigint, table_name text, primary_key text, operation text, since timestamp with time zone, until timestamp with time zone, trace text, changes uuid[]) OWNER TO postgres;

--
-- Name: revert_key(text, text, text, text, timestamp with time zone); Type: FUNCTION; Schema: _bemi; Owner: postgres
--

CREATE FUNCTION _bemi.revert_key(in_source text, in_schema text, in_table text, condition text, began timestamp with time zone) RETURNS text[]
    LANGUAGE plpgsql STABLE
    SET search_path TO 'pg_catalog'
    AS $$
declare
  newest _bemi.relation_version;
  shown timestamptz;
  emptied boolean;
begin
  select v.* into newest from _bemi.relation_version v
  where v.source = in_source and v.schema = in_schema and v."table" = in_table
  order by v.epoch desc, v.position desc, v.sequence desc limit 1;
  select max(v.effective_at) into shown from _bemi.relation_version v
  where v.source = in_source and v.relation = newest.relation and v.effective_at <= began;
  if newest.dropped or exists (
       select from _bemi.relation_version v where v.source = in_source
         and (v.relation = newest.relation or (v.schema, v."table") = (in_schema, in_table))
         and v.effective_at >= coalesce(shown, '-infinity')
         and ((v.schema, v."table", v.relation, v.primary_key) is distinct from
                (in_schema, in_table, newest.relation, newest.primary_key)
              or not _bemi.column_names(newest.columns) @> _bemi.column_names(v.columns))) then
    raise exception '%.% was altered since', in_schema, in_table
      using errcode = 'object_not_in_prerequisite_state', hint = 'bemi revert --sql follows altered tables';
  elsif exists (
       select from _bemi.key_change k where k.source = in_source and k.schema = in_schema and k."table" = in_table
         and k.effective_at >= began) then
    raise exception 'rows of %.% have changed their keys since', in_schema, in_table
      using errcode = 'object_not_in_prerequisite_state', hint = 'bemi revert --sql follows them';
  end if;
  execute format('select exists (select from "public".changes c where c.source = %L and c.schema = %L and c."table" = %L '
                 'and c.operation = ''TRUNCATE'' and c.effective_at >= %L and not (%s))',
                 in_source, in_schema, in_table, began, condition) into emptied;
  if emptied then
    raise exception '%.% was emptied by others since', in_schema, in_table
      using errcode = 'object_not_in_prerequisite_state', hint = 'see: bemi revert';
  end if;
  return nullif(newest.primary_key, '{}');
end $$;


ALTER FUNCTION _bemi.revert_key(in_source text, in_schema text, in_table text, condition text, began timestamp with time zone) OWNER TO postgres;

--
-- Name: rows_before(text, text, text, integer, bigint, bigint, boolean); Type: FUNCTION; Schema: _bemi; Owner: postgres
--

CREATE FUNCTION _bemi.rows_before(in_source text, in_schema text, in_table text, in_epoch integer, in_position bigint, in_sequence bigint, of_partition boolean DEFAULT false) RETURNS TABLE(key text, "row" jsonb, exact jsonb, fidelity jsonb)
    LANGUAGE plpgsql STABLE
    SET search_path TO 'pg_catalog'
    AS $$
declare known _bemi.coverage; emptied record;
begin
  select * into known from _bemi.coverage c
  where c.source = in_source and c.epoch = in_epoch and c.schema = in_schema and c."table" = in_table
    and (c.position < in_position or c.position = in_position and not of_partition)
  order by c.position desc limit 1;
  if known.source is null or not known.whole then
    raise exception 'not all rows that %.% had are known: its TRUNCATE cannot be undone', in_schema, in_table
      using errcode = 'object_not_in_prerequisite_state',
            hint = 'that needs a baseline from before it (bemi run --snapshot initial)';
  end if;
  select t.commit_position, t.sequence into emptied from "public".changes t
  where t.operation = 'TRUNCATE' and t."table" = in_table and t.schema = in_schema and t.source = in_source
    and t.epoch = in_epoch and (t.commit_position, t.sequence) < (in_position, in_sequence)
  order by t.commit_position desc, t.sequence desc limit 1;
  return query
  select v.key, v.content, v.said, v.remarks from (
    select distinct on (e.key) e.* from (
      select c.primary_key as key, c.operation = 'DELETE' as ends, c.commit_position, c.sequence,
             c.after as content, c.exact -> 'after' as said, c.fidelity -> 'after' as remarks
      from "public".changes c
      where c."table" = in_table and c.schema = in_schema and c.source = in_source and c.epoch = in_epoch
        and c.operation not in ('TRUNCATE', 'SCHEMA') and c.primary_key is not null
        and c.commit_position >= known.position
        and (c.commit_position, c.sequence) < (in_position, in_sequence)
      union all
      select k.previous_key, true, k.commit_position, k.sequence, null, null, null
      from _bemi.key_change k
      where k."table" = in_table and k.schema = in_schema and k.source = in_source and k.epoch = in_epoch
        and k.commit_position >= known.position
        and (k.commit_position, k.sequence) < (in_position, in_sequence)
    ) e
    where emptied.sequence is null or (e.commit_position, e.sequence) > (emptied.commit_position, emptied.sequence)
    order by e.key, e.commit_position desc, e.sequence desc, e.ends desc
  ) v
  where not v.ends;
  return query
  select null::text, n.content::jsonb, n.said::jsonb, n.remarks::jsonb
  from (
    select e.content, e.said, e.remarks, sum(e.count) as count from (
      select c.after::text as content, (c.exact -> 'after')::text as said, (c.fidelity -> 'after')::text as remarks,
             1 as count, c.commit_position, c.sequence
      from "public".changes c
      where c."table" = in_table and c.schema = in_schema and c.source = in_source and c.epoch = in_epoch
        and c.operation in ('CREATE', 'SNAPSHOT', 'UPDATE') and c.primary_key is null
        and c.commit_position >= known.position
        and (c.commit_position, c.sequence) < (in_position, in_sequence)
      union all
      select c.before::text, (c.exact -> 'before')::text, (c.fidelity -> 'before')::text, -1,
             c.commit_position, c.sequence
      from "public".changes c
      where c."table" = in_table and c.schema = in_schema and c.source = in_source and c.epoch = in_epoch
        and c.operation in ('UPDATE', 'DELETE') and c.primary_key is null
        and c.commit_position >= known.position
        and (c.commit_position, c.sequence) < (in_position, in_sequence)
    ) e
    where emptied.sequence is null or (e.commit_position, e.sequence) > (emptied.commit_position, emptied.sequence)
    group by 1, 2, 3
  ) n
  cross join lateral generate_series(1, n.count);
end $$;


ALTER FUNCTION _bemi.rows_before(in_source text, in_schema text, in_table text, in_epoch integer, in_position bigint, in_sequence bigint, of_partition boolean) OWNER TO postgres;

--
-- Name: rows_by_key(_bemi.view, _bemi.place); Type: FUNCTION; Schema: _bemi; Owner: postgres
--

CREATE FUNCTION _bemi.rows_by_key(v _bemi.view, place _bemi.place) RETURNS text
    LANGUAGE sql STABLE
    SET search_path TO 'pg_catalog'
    AS $_$
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
  $q$, v.id, string_agg(format('(select c.* from "public".changes c where c.primary_key = k.primary_key and %s '
           'and c.effective_at <= ($1).at and c.effective_at >= ($1).since_time order by c.effective_at desc, c.commit_position desc, c.sequence desc limit 1)',
           p.condition), ' union all '), string_agg('(' || p.moved || ')', ' or '))
  from (
    select _bemi.span_condition('c', place, s.schema, s."table", s.from_position, s.from_sequence, s.to_position,
                                s.to_sequence) as condition,
           _bemi.span_condition('m', place, s.schema, s."table", s.from_position, s.from_sequence, s.to_position,
                                s.to_sequence) as moved
    from _bemi.segments(place) s
  ) p
$_$;


ALTER FUNCTION _bemi.rows_by_key(v _bemi.view, place _bemi.place) OWNER TO postgres;

--
-- Name: rows_by_scan(_bemi.place); Type: FUNCTION; Schema: _bemi; Owner: postgres
--

CREATE FUNCTION _bemi.rows_by_scan(place _bemi.place) RETURNS SETOF bemi.row_version
    LANGUAGE sql STABLE
    SET search_path TO 'pg_catalog'
    AS $$
  with maps as materialized (select m.* from _bemi.shape_maps(place) m where place.mixed)
  select v.primary_key, case when m.map is null then v.after else _bemi.reshaped(m.map, v.after) end,
         case when m.map is null then v.exact -> 'after'
           else _bemi.reshaped_remarks(m.map, v.exact -> 'after', true) end,
         case when m.map is null then v.fidelity -> 'after'
           else _bemi.reshaped_remarks(m.map, v.fidelity -> 'after', false) end,
         v.operation, v.effective_at, v.context
  from (
    select distinct on (e.key) e.*
    from _bemi.emptied(place) emptied, _bemi.segments(place) s
    cross join lateral (
      select c.primary_key as key, c.operation = 'DELETE' as ends, c.commit_position, c.sequence, c.primary_key,
             c.after, c.exact, c.fidelity, c.operation, c.effective_at, c.context
      from "public".changes c
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
  where not v.ends
$$;


ALTER FUNCTION _bemi.rows_by_scan(place _bemi.place) OWNER TO postgres;

--
-- Name: rows_of(_bemi.place); Type: FUNCTION; Schema: _bemi; Owner: postgres
--

CREATE FUNCTION _bemi.rows_of(place _bemi.place) RETURNS SETOF bemi.row_version
    LANGUAGE plpgsql STABLE
    SET search_path TO 'pg_catalog'
    AS $$
declare plan record := _bemi.plan_rows(place);
begin
  if plan.way = 'keys' then
    return query execute plan.query using place;
  elsif plan.way = 'content' then
    return query select * from _bemi.keyless_rows_as_of(place);
  else
    return query select * from _bemi.rows_by_scan(place);
  end if;
end $$;


ALTER FUNCTION _bemi.rows_of(place _bemi.place) OWNER TO postgres;

--
-- Name: segment_condition(text, text, text, text, boolean, text, text, boolean); Type: FUNCTION; Schema: _bemi; Owner: postgres
--

CREATE FUNCTION _bemi.segment_condition(alias text, in_source text, schema text, "table" text, is_first boolean, starts text, ends text, is_alone boolean) RETURNS text
    LANGUAGE sql IMMUTABLE
    SET search_path TO 'pg_catalog'
    AS $_$
  select format('%1$s."table" = %2$L and %1$s.schema = %3$L and %1$s.source = %4$L', alias, "table", schema, in_source)
    || case when is_first or is_alone then ''
         else format(' and (%1$s.epoch, %1$s.commit_position, %1$s.sequence) >= %2$s', alias, starts) end
    || case when ends is null then ''
         else format(' and (%1$s.epoch, %1$s.commit_position, %1$s.sequence) < %2$s', alias, ends) end
$_$;


ALTER FUNCTION _bemi.segment_condition(alias text, in_source text, schema text, "table" text, is_first boolean, starts text, ends text, is_alone boolean) OWNER TO postgres;

--
-- Name: segments(_bemi.place); Type: FUNCTION; Schema: _bemi; Owner: postgres
--

CREATE FUNCTION _bemi.segments(place _bemi.place) RETURNS TABLE(schema text, "table" text, from_position bigint, from_sequence bigint, to_position bigint, to_sequence bigint)
    LANGUAGE sql STABLE ROWS 1
    SET search_path TO 'pg_catalog'
    AS $$
  with versions as (
    select v.schema, v."table", v.dropped, v.position, v.sequence, lag(v.schema) over w is null as first,
           v.dropped or lag(v.schema) over w is distinct from v.schema
             or lag(v."table") over w is distinct from v."table" as renamed
    from _bemi.relation_version v
    where v.source = place.source and v.epoch = place.epoch and v.relation = place.relation
      and v.effective_at <= place.at
    window w as (order by v.position, v.sequence)
  ), spans as (
    select v.schema, v."table", v.dropped, case when v.first then 0 else v.position end as from_position,
           case when v.first then 0 else v.sequence end as from_sequence,
           lead(v.position, 1, 9223372036854775807) over w as to_position, lead(v.sequence, 1, 0::bigint) over w as to_sequence
    from versions v where v.renamed
    window w as (order by v.position, v.sequence)
  )
  select s.schema, s."table", greatest(s.from_position, place.since),
         case when s.from_position >= place.since then s.from_sequence else 0 end, s.to_position, s.to_sequence
  from spans s where not s.dropped and s.to_position >= place.since
  order by s.from_position desc, s.from_sequence desc
$$;


ALTER FUNCTION _bemi.segments(place _bemi.place) OWNER TO postgres;

--
-- Name: settle_untracked(text); Type: FUNCTION; Schema: _bemi; Owner: postgres
--

CREATE FUNCTION _bemi.settle_untracked(in_source text) RETURNS void
    LANGUAGE plpgsql
    SET search_path TO 'pg_catalog'
    AS $$
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


ALTER FUNCTION _bemi.settle_untracked(in_source text) OWNER TO postgres;

--
-- Name: settle_view(_bemi.relation_version, text, text); Type: FUNCTION; Schema: _bemi; Owner: postgres
--

CREATE FUNCTION _bemi.settle_view(version _bemi.relation_version, in_schema text, in_table text) RETURNS void
    LANGUAGE plpgsql
    SET search_path TO 'pg_catalog'
    AS $$
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


ALTER FUNCTION _bemi.settle_view(version _bemi.relation_version, in_schema text, in_table text) OWNER TO postgres;

--
-- Name: shape_map(jsonb, jsonb); Type: FUNCTION; Schema: _bemi; Owner: postgres
--

CREATE FUNCTION _bemi.shape_map(written jsonb, wanted jsonb) RETURNS jsonb
    LANGUAGE sql IMMUTABLE
    SET search_path TO 'pg_catalog'
    AS $$
  select case when _bemi.column_names(written) <> _bemi.column_names(wanted) then (
    select coalesce(jsonb_agg(jsonb_build_array(w -> 'name', o.name, w -> 'missing', w -> 'missing_exact')), '[]')
    from jsonb_array_elements(wanted) w
    left join lateral (
      select o ->> 'name' as name from jsonb_array_elements(written) o
      where case when o ? 'number' and w ? 'number' then o -> 'number' = w -> 'number' else o -> 'name' = w -> 'name' end
      limit 1
    ) o on true) end
$$;


ALTER FUNCTION _bemi.shape_map(written jsonb, wanted jsonb) OWNER TO postgres;

--
-- Name: shape_maps(_bemi.place); Type: FUNCTION; Schema: _bemi; Owner: postgres
--

CREATE FUNCTION _bemi.shape_maps(place _bemi.place) RETURNS TABLE(since bigint, sequence bigint, map jsonb)
    LANGUAGE sql STABLE
    SET search_path TO 'pg_catalog'
    AS $$
  select v.position, v.sequence, _bemi.shape_map(v.columns, place.columns)
  from _bemi.relation_version v
  where v.source = place.source and v.epoch = place.epoch and v.relation = place.relation
    and v.effective_at <= place.at and not v.dropped
$$;


ALTER FUNCTION _bemi.shape_maps(place _bemi.place) OWNER TO postgres;

--
-- Name: source_of(text, text, text); Type: FUNCTION; Schema: _bemi; Owner: postgres
--

CREATE FUNCTION _bemi.source_of(in_schema text, in_table text, in_source text) RETURNS text
    LANGUAGE plpgsql STABLE
    SET search_path TO 'pg_catalog'
    AS $$
declare found text[];
begin
  select array_agg(distinct v.source) into found from _bemi.relation_version v
  where v.schema = in_schema and v."table" = in_table and (in_source is null or v.source = in_source);
  if found is null then
    raise exception 'there is no history of %.%', in_schema, in_table
      using errcode = 'undefined_table',
            hint = 'is the table tracked, and its name written as SQL would? See: bemi check';
  elsif cardinality(found) > 1 then
    raise exception 'several sources have a table %.%: %', in_schema, in_table, array_to_string(found, ', ')
      using errcode = 'ambiguous_parameter', hint = 'name one with source =>';
  end if;
  return found[1];
end $$;


ALTER FUNCTION _bemi.source_of(in_schema text, in_table text, in_source text) OWNER TO postgres;

--
-- Name: span_condition(text, _bemi.place, text, text, bigint, bigint, bigint, bigint); Type: FUNCTION; Schema: _bemi; Owner: postgres
--

CREATE FUNCTION _bemi.span_condition(alias text, place _bemi.place, schema text, "table" text, from_position bigint, from_sequence bigint, to_position bigint, to_sequence bigint) RETURNS text
    LANGUAGE sql IMMUTABLE
    SET search_path TO 'pg_catalog'
    AS $_$
  select format('%1$s."table" = %2$L and %1$s.schema = %3$L and %1$s.source = %4$L and %1$s.epoch = %5$s '
                'and (%1$s.commit_position, %1$s.sequence) >= (%6$s, %7$s)', alias, "table", schema, place.source, place.epoch,
                from_position, from_sequence)
    || case when to_position = 9223372036854775807 then ''
         else format(' and (%1$s.commit_position, %1$s.sequence) < (%2$s, %3$s)', alias, to_position, to_sequence) end
$_$;


ALTER FUNCTION _bemi.span_condition(alias text, place _bemi.place, schema text, "table" text, from_position bigint, from_sequence bigint, to_position bigint, to_sequence bigint) OWNER TO postgres;

--
-- Name: tables_over(jsonb, timestamp with time zone); Type: FUNCTION; Schema: _bemi; Owner: postgres
--

CREATE FUNCTION _bemi.tables_over(rules jsonb, before timestamp with time zone) RETURNS TABLE(schema text, "table" text)
    LANGUAGE sql STABLE
    SET search_path TO 'pg_catalog'
    AS $$
  with rule as (
    select r ->> 0 as schema, r ->> 1 as "table", before <= now() - (r ->> 2)::interval as over
    from jsonb_array_elements(rules) r
  )
  select distinct v.schema, v."table" from _bemi.relation_version v
  left join rule named on (named.schema, named."table") = (v.schema, v."table")
  where coalesce(named.over, (select g.over from rule g where g."table" is null), false)
$$;


ALTER FUNCTION _bemi.tables_over(rules jsonb, before timestamp with time zone) OWNER TO postgres;

--
-- Name: tables_worth_checkpoint(timestamp with time zone); Type: FUNCTION; Schema: _bemi; Owner: postgres
--

CREATE FUNCTION _bemi.tables_worth_checkpoint(before timestamp with time zone) RETURNS text
    LANGUAGE sql STABLE
    SET search_path TO 'pg_catalog'
    AS $$
  select coalesce(string_agg(t.name, ', ' order by t.name), '')
  from _bemi.source s
  cross join lateral (
    select format('%I.%I', t.schema, t."table") as name
    from bemi.tables_at(before - interval '1 microsecond', s.name, true, true) t
  ) t
  cross join lateral _bemi.find_place(t.name, before - interval '1 microsecond', s.name, true, true) p
  where s.effective_at >= before and exists (select from _bemi.epoch e where e.source = s.name and e.began_at < before)
    and not exists (select from _bemi.baseline_piece b where b.source = s.name and b.epoch = s.epoch)
    and not _bemi.is_checkpointed(p, before) and _bemi.is_checkpoint_worthwhile(p)
$$;


ALTER FUNCTION _bemi.tables_worth_checkpoint(before timestamp with time zone) OWNER TO postgres;

--
-- Name: type_here(jsonb); Type: FUNCTION; Schema: _bemi; Owner: postgres
--

CREATE FUNCTION _bemi.type_here(col jsonb) RETURNS text
    LANGUAGE sql STABLE
    SET search_path TO 'pg_catalog'
    AS $$
  select case
    when (col #>> '{form,oid}')::bigint >= 16384 then to_regtype(col #>> '{form,name}')::text
    when not exists (select from pg_type t where t.oid = (col #>> '{form,oid}')::oid and t.typname !~ '^reg') then null
    when (col ->> 'type_oid')::bigint < 16384 then format_type((col ->> 'type_oid')::oid, (col ->> 'type_modifier')::int)
    else format_type((col #>> '{form,oid}')::oid, -1) end
$$;


ALTER FUNCTION _bemi.type_here(col jsonb) OWNER TO postgres;

--
-- Name: typed_value(jsonb, text, text); Type: FUNCTION; Schema: _bemi; Owner: postgres
--

CREATE FUNCTION _bemi.typed_value(col jsonb, from_json text, exact text) RETURNS text
    LANGUAGE sql STABLE
    SET search_path TO 'pg_catalog'
    AS $_$
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
$_$;


ALTER FUNCTION _bemi.typed_value(col jsonb, from_json text, exact text) OWNER TO postgres;

--
-- Name: undo_body(); Type: FUNCTION; Schema: _bemi; Owner: postgres
--

CREATE FUNCTION _bemi.undo_body() RETURNS text
    LANGUAGE sql IMMUTABLE
    SET search_path TO 'pg_catalog'
    AS $_$ select $undo$
declare
  path text := current_setting('search_path');
  place record;
  part record;
  rel regclass;
  live text;
  columns text;
  records text;
  moved text;
  seen text;
  texts text;
  parts text := '';
  counts text := '';
  after text := '';
  written bigint;
  wanted bigint;
begin
  perform set_config('search_path', 'pg_catalog', true);
  create temp table _bemi_live (n bigint, at tid, rel oid, moved text[]) on commit drop;

  -- The rows as the types that they are, and the live ones, locked and compared.
  for place in select tab, min(name) as name, min(key_columns) as key_columns from pg_temp._bemi_undo u
               group by tab order by tab loop
    rel := to_regclass(place.name);
    if rel is null or (select relkind not in ('r', 'p') from pg_class where oid = rel) then
      raise exception 'the table % is not there', place.name;
    end if;
    live := (select case relkind when 'p' then '' else 'only ' end from pg_class where oid = rel) || place.name;
    select c.name into seen
    from (select distinct unnest(u.columns) as name from pg_temp._bemi_undo u where u.tab = place.tab) c
    where not exists (select from pg_attribute a where a.attrelid = rel and a.attname = c.name and not a.attisdropped);
    if seen is not null then
      raise exception '% has no column % any more', place.name, seen using hint = 'bemi revert follows altered tables';
    end if;
    with recursive base (number, name, oid, modifier) as (
      select a.attnum, a.attname, a.atttypid, a.atttypmod from pg_attribute a
      where a.attrelid = rel and a.attnum > 0 and not a.attisdropped and a.attgenerated = ''
      union all
      select b.number, b.name, t.typbasetype, t.typtypmod from base b join pg_type t on t.oid = b.oid where t.typtype = 'd'
    ), typed as (
      select b.number, b.name, format_type(b.oid, b.modifier) as type,
             case when b.oid in ('json'::regtype, 'jsonb'::regtype) then 'json'
               when x.oid is not null and t.typname = 'hstore' then 'hstore' else 'plain' end as form,
             t.typnamespace::regnamespace::text as place
      from base b join pg_type t on t.oid = b.oid and t.typtype <> 'd'
      left join pg_depend d on d.classid = 'pg_type'::regclass and d.objid = t.oid and d.deptype = 'e'
      left join pg_extension x on x.oid = d.refobjid and x.extname = 'hstore'
    ), sided as (
      select t.*, s.side, s.letter from typed t cross join (values ('expected', 'e'), ('target', 't')) s (side, letter)
    )
    select string_agg(format(case s.form
             when 'json' then 'coalesce(u.%1$s_exact ->> %3$L, nullif(u.%1$s -> %3$L, ''null'')::text)::%4$s as %2$s%5$s'
             when 'hstore' then
               'coalesce(u.%1$s_exact ->> %3$L, (select %6$s.hstore(coalesce(array_agg(key), ''{}''), coalesce(array_agg(value), ''{}''))::text '
               'from jsonb_each_text(nullif(u.%1$s -> %3$L, ''null'')) having jsonb_typeof(u.%1$s -> %3$L) = ''object''))::%4$s as %2$s%5$s'
             else '%2$s.%7$I as %2$s%5$s' end, s.side, s.letter, s.name, s.type, s.number, s.place, s.name), ', '),
           concat(' cross join lateral jsonb_to_record(u.expected || u.expected_exact) as e (', string_agg(
             format('%I %s', s.name, s.type), ', ') filter (where s.form = 'plain' and s.letter = 'e'), ')',
             ' cross join lateral jsonb_to_record(u.target || u.target_exact) as t (', string_agg(
             format('%I %s', s.name, s.type), ', ') filter (where s.form = 'plain' and s.letter = 't'), ')'),
           string_agg(format('case when %1$L = any (r.columns) and x.%1$I::text is distinct from r.e%2$s::text then %1$L end',
                             s.name, s.number), ', ') filter (where s.letter = 'e')
    into columns, records, moved from sided s;
    execute format('create temp table _bemi_row_%s on commit drop as select u.n, u.kind, u.columns, u.key, %s from pg_temp._bemi_undo u%s where u.tab = %s',
                   place.tab, columns, case when records like '%()%' then '' else records end, place.tab);
    execute format('analyze pg_temp._bemi_row_%s', place.tab);
    if place.key_columns is null then
      select string_agg(format('x.%I::text', a.attname), ', ' order by a.attnum),
             string_agg(format('r.e%s::text', a.attnum), ', ' order by a.attnum)
      into seen, texts from pg_attribute a
      where a.attrelid = rel and a.attnum > 0 and not a.attisdropped and a.attgenerated = '';
      -- As many rows of one content as are to go.
      execute format(
        'with wanted as (select r.n, array[%2$s] as content, row_number() over (partition by array[%2$s] order by r.n) as nth '
        'from pg_temp._bemi_row_%3$s r where r.kind = ''D''), there as (select x.ctid as at, x.tableoid as rel, array[%1$s] as content, '
        'row_number() over (partition by array[%1$s] order by x.ctid) as nth from %4$s x where array[%1$s] in (select content from wanted)) '
        'insert into pg_temp._bemi_live select w.n, x.ctid, x.tableoid, ''{}'' from wanted w join there h using (content, nth) '
        'join %4$s x on x.ctid = h.at and x.tableoid = h.rel and array[%1$s] = h.content order by w.n for update of x',
        seen, texts, place.tab, live);
    else
      select string_agg(format('x.%I = r.e%s', a.attname, a.attnum), ' and '),
             string_agg(format('x.%I = r.t%s', a.attname, a.attnum), ' and ')
      into seen, texts from unnest(place.key_columns) k (name)
      join pg_attribute a on a.attrelid = rel and a.attname = k.name and not a.attisdropped;
      execute format('insert into pg_temp._bemi_live select r.n, x.ctid, x.tableoid, array_remove(array[%s]::text[], null) '
                     'from pg_temp._bemi_row_%s r join %s x on %s where r.kind in (''U'', ''D'') order by r.n for update of x',
                     moved, place.tab, live, seen);
      execute format('select r.key from pg_temp._bemi_row_%s r join %s x on %s where r.kind = ''I'' order by r.n limit 1',
                     place.tab, live, texts) into seen;
      if seen is not null then
        raise exception 'row % of % is there already: nothing is undone', seen, place.name using hint = 'make a new script';
      end if;
    end if;
  end loop;
  select u.key, u.name, l.n is null as gone, l.moved into part from pg_temp._bemi_undo u left join pg_temp._bemi_live l using (n)
  where u.kind <> 'I' and (l.n is null or l.moved <> '{}') order by u.n limit 1;
  if found then
    raise exception 'row % of % is not as it was%: nothing is undone', coalesce(part.key, '(no key)'), part.name,
      case when part.gone then '' else ' in ' || array_to_string(part.moved, ', ') end
      using hint = 'make a new script, or see: bemi revert';
  end if;

  -- Rows of others that refer to what would go: never a silent cascade.
  for part in
    select f.conname, u.tab, format('%s%I.%I', case cc.relkind when 'p' then '' else 'only ' end, cn.nspname, cc.relname) as child,
           string_agg(format('c.%I = r.e%s', ca.attname, k.parent), ' and ') as matches,
           array_agg(ca.attname::text) as child_columns
    from (select distinct tab, to_regclass(name)::oid as oid from pg_temp._bemi_undo) u
    join pg_constraint f on f.confrelid = u.oid and f.contype = 'f' and f.conparentid = 0
    join pg_class cc on cc.oid = f.conrelid join pg_namespace cn on cn.oid = cc.relnamespace
    cross join lateral unnest(f.conkey, f.confkey) as k (child, parent)
    join pg_attribute ca on ca.attrelid = f.conrelid and ca.attnum = k.child
    group by f.oid, f.conname, u.tab, 3
  loop
    execute format(
      'select r.key from pg_temp._bemi_row_%s r join %s c on %s where r.kind = ''D'' and not exists (select from pg_temp._bemi_live l '
      'join pg_temp._bemi_undo o using (n) where l.at = c.ctid and l.rel = c.tableoid and (o.kind = ''D'' or o.columns && %L)) limit 1',
      part.tab, part.child, part.matches, part.child_columns) into seen;
    if seen is not null then
      raise exception 'rows of % refer to row %, which would go (%): nothing is undone', part.child, seen, part.conname
        using hint = 'undo those first, or see: bemi revert --cascade';
    end if;
  end loop;

  -- One statement: foreign keys are looked at when all is in place. Rows go before values move and others come back.
  for part in
    select u.tab, u.kind, u.columns, min(u.name) as name, row_number() over (order by position(u.kind in 'DUI'), u.tab, u.columns) as place,
           position(u.kind in 'DUI') as level
    from (select o.*, case when o.kind = 'D' then '{}' else o.columns end as written from pg_temp._bemi_undo o) o
    cross join lateral (select o.tab, o.kind, o.written as columns, o.name) u
    group by u.tab, u.kind, u.columns order by level, u.tab, u.columns
  loop
    rel := to_regclass(part.name);
    live := (select case relkind when 'p' then '' else 'only ' end from pg_class where oid = rel) || part.name;
    if part.level > 1 then
      after := coalesce((select string_agg(format('(select count(*) from p%s)', g), ' + ') from generate_series(1, part.place - 1) g), '0');
    end if;
    if part.kind = 'D' then
      parts := parts || format(
        ', p%s as (delete from %s x using pg_temp._bemi_live l join pg_temp._bemi_undo u using (n) where u.tab = %s and u.kind = ''D'' '
        'and x.ctid = l.at and x.tableoid = l.rel returning 1)', part.place, live, part.tab);
    else
      select string_agg(format('%I = r.t%s', a.attname, a.attnum), ', ' order by a.attnum),
             string_agg(format('%I', a.attname), ', ' order by a.attnum), string_agg(format('r.t%s', a.attnum), ', ' order by a.attnum)
      into columns, records, texts from pg_attribute a
      where a.attrelid = rel and a.attnum > 0 and not a.attisdropped and a.attgenerated = '' and a.attname = any (part.columns);
      if part.kind = 'U' then
        parts := parts || format(
          ', p%s as (update %s x set %s from pg_temp._bemi_live l join pg_temp._bemi_row_%s r using (n) where r.kind = ''U'' and r.columns = %L '
          'and x.ctid = l.at and x.tableoid = l.rel and %s >= 0 returning 1)', part.place, live, columns, part.tab, part.columns, after);
      else
        parts := parts || format(
          ', p%s as (insert into %s (%s) overriding system value select %s from pg_temp._bemi_row_%s r where r.kind = ''I'' and r.columns = %L '
          'and %s >= 0 order by r.n returning 1)', part.place, part.name, records, texts, part.tab, part.columns, after);
      end if;
    end if;
    counts := counts || format(' + (select count(*) from p%s)', part.place);
  end loop;
  if parts <> '' then
    perform set_config('search_path', path, true);
    set constraints all deferred;
    execute 'with ' || substr(parts, 3) || ' select 0' || counts into written;
    set constraints all immediate;
    select count(*) into wanted from pg_temp._bemi_undo;
    if written <> wanted then
      raise exception '% of % rows were not written: a trigger or a rule kept them back', wanted - written, wanted;
    end if;
  end if;
end $undo$::text $_$;


ALTER FUNCTION _bemi.undo_body() OWNER TO postgres;

--
-- Name: unknown_value(integer, text); Type: FUNCTION; Schema: _bemi; Owner: postgres
--

CREATE FUNCTION _bemi.unknown_value(view_id integer, name text) RETURNS text
    LANGUAGE plpgsql STABLE SECURITY DEFINER PARALLEL SAFE
    SET search_path TO 'pg_catalog'
    AS $$
declare v _bemi.view;
begin
  if _bemi.flag('bemi.partial') then return null; end if;
  select * into v from _bemi.view where id = view_id;
  raise exception 'a value of %.%.% is not known', v.schema, v."table", name
    using errcode = 'object_not_in_prerequisite_state',
          hint = 'take null for it with: set local bemi.partial = on';
end $$;


ALTER FUNCTION _bemi.unknown_value(view_id integer, name text) OWNER TO postgres;

--
-- Name: view_column(integer, text, bigint, jsonb); Type: FUNCTION; Schema: _bemi; Owner: postgres
--

CREATE FUNCTION _bemi.view_column(view_id integer, in_source text, in_relation bigint, col jsonb) RETURNS text
    LANGUAGE plpgsql STABLE
    SET search_path TO 'pg_catalog'
    AS $_$
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
end $_$;


ALTER FUNCTION _bemi.view_column(view_id integer, in_source text, in_relation bigint, col jsonb) OWNER TO postgres;

--
-- Name: view_schema(text, text, text); Type: FUNCTION; Schema: _bemi; Owner: postgres
--

CREATE FUNCTION _bemi.view_schema(in_source text, in_schema text, in_table text) RETURNS text
    LANGUAGE sql STABLE
    SET search_path TO 'pg_catalog'
    AS $$
  select 'time_travel' || case when count(distinct v.source) > 1 then '_' || in_source else '' end
         || case when in_schema = 'public' then '' else '_' || in_schema end
  from _bemi.relation_version v where v.schema = in_schema and v."table" = in_table
$$;


ALTER FUNCTION _bemi.view_schema(in_source text, in_schema text, in_table text) OWNER TO postgres;

--
-- Name: view_segments(text, bigint); Type: FUNCTION; Schema: _bemi; Owner: postgres
--

CREATE FUNCTION _bemi.view_segments(in_source text, in_relation bigint) RETURNS TABLE(schema text, "table" text, is_first boolean, is_last boolean, starts text, ends text)
    LANGUAGE sql STABLE
    SET search_path TO 'pg_catalog'
    AS $$
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


ALTER FUNCTION _bemi.view_segments(in_source text, in_relation bigint) OWNER TO postgres;

--
-- Name: walk_place(text, timestamp with time zone, text); Type: FUNCTION; Schema: _bemi; Owner: postgres
--

CREATE FUNCTION _bemi.walk_place(name text, at timestamp with time zone, in_source text) RETURNS _bemi.place
    LANGUAGE plpgsql STABLE
    SET search_path TO 'pg_catalog'
    AS $$
declare
  place _bemi.place := _bemi.find_place(name, at, in_source, true, false);
  since timestamptz;
  emptied timestamptz;
begin
  if exists (select from _bemi.epoch e where e.source = place.source and e.epoch > place.epoch) then
    raise exception 'nobody can walk back to %: there is a gap in the history of %', at, place.source
      using errcode = 'object_not_in_prerequisite_state', hint = 'ask for a later time';
  end if;
  select max(case when c.position = f.first then greatest(c.since, _bemi.known_since(c))
               when not c.whole and not c.checkpoint then _bemi.known_since(c) end) into since
  from _bemi.coverage c,
    (select min(f.position) as first from _bemi.coverage f
     where f.source = place.source and f.epoch = place.epoch and f.relation = place.relation) f
  where c.source = place.source and c.epoch = place.epoch and c.relation = place.relation;
  if since is null or since > at then
    raise exception 'nobody can walk back to %: rows of %.% came, went or were rewritten without a word until %',
      at, place.schema, place."table", coalesce(since::text, 'now')
      using errcode = 'object_not_in_prerequisite_state', hint = 'ask for a later time';
  end if;
  place.since := 0;
  select min(t.effective_at) into emptied
  from _bemi.later_segments(place) s join "public".changes t on t."table" = s."table" and t.schema = s.schema
  where t.operation = 'TRUNCATE' and t.source = place.source and t.epoch = place.epoch and t.effective_at > at
    and (t.commit_position, t.sequence) >= (s.from_position, s.from_sequence)
    and (t.commit_position, t.sequence) < (s.to_position, s.to_sequence);
  if emptied is not null then
    raise exception 'nobody can walk back to %: %.% was emptied at %', at, place.schema, place."table", emptied
      using errcode = 'object_not_in_prerequisite_state',
            hint = 'the rows that went are known only from a baseline before (bemi run --snapshot initial)';
  end if;
  return place;
end $$;


ALTER FUNCTION _bemi.walk_place(name text, at timestamp with time zone, in_source text) OWNER TO postgres;

--
-- Name: walked_contents(_bemi.place, pg_snapshot); Type: FUNCTION; Schema: _bemi; Owner: postgres
--

CREATE FUNCTION _bemi.walked_contents(place _bemi.place, seen pg_snapshot) RETURNS TABLE(content text, exact jsonb, count bigint)
    LANGUAGE plpgsql STABLE
    SET search_path TO 'pg_catalog'
    AS $$
begin
  if exists (select from _bemi.changes_since(place, seen) c where c.fidelity is not null) then
    raise exception 'rows of %.% have no key, and a change does not say which row it was', place.schema, place."table"
      using errcode = 'object_not_in_prerequisite_state', hint = 'such tables need REPLICA IDENTITY FULL';
  end if;
  return query
  select r."row"::text, r.exact, sum(p.count)
  from _bemi.changes_since(place, seen) c
  cross join lateral (
    select c.before as content, c.exact -> 'before' as said, 1 as count where c.operation <> 'CREATE'
    union all
    select c.after, c.exact -> 'after', -1 where c.operation <> 'DELETE'
  ) p
  cross join lateral _bemi.walked_row(place, c.commit_position, c.sequence, p.content, p.said, null) r
  group by r."row"::text, r.exact having sum(p.count) <> 0;
end $$;


ALTER FUNCTION _bemi.walked_contents(place _bemi.place, seen pg_snapshot) OWNER TO postgres;

--
-- Name: walked_keys(_bemi.place, pg_snapshot, text); Type: FUNCTION; Schema: _bemi; Owner: postgres
--

CREATE FUNCTION _bemi.walked_keys(place _bemi.place, seen pg_snapshot, key text DEFAULT NULL::text) RETURNS TABLE(primary_key text, existed boolean, "row" jsonb, exact jsonb, fidelity jsonb)
    LANGUAGE sql STABLE
    SET search_path TO 'pg_catalog'
    AS $$
  select distinct on (e.key) e.key, e.was, r."row", r.exact, r.fidelity
  from _bemi.changes_since(place, seen) c
  left join _bemi.key_change k on k."table" = c."table" and k.schema = c.schema and k.source = c.source
    and k.epoch = c.epoch and k.commit_position = c.commit_position and k.sequence = c.sequence
    and k.effective_at = c.effective_at
  cross join lateral (
    select coalesce(k.previous_key, c.primary_key) as key, true as was where c.operation <> 'CREATE'
    union all
    select c.primary_key, false where c.operation = 'CREATE' or k.previous_key is not null
  ) e
  left join lateral _bemi.walked_row(place, c.commit_position, c.sequence, c.before, c.exact -> 'before',
                                     c.fidelity -> 'before') r on e.was
  where walked_keys.key is null or e.key = walked_keys.key
  order by e.key, c.commit_position, c.sequence, e.was desc
$$;


ALTER FUNCTION _bemi.walked_keys(place _bemi.place, seen pg_snapshot, key text) OWNER TO postgres;

--
-- Name: walked_row(_bemi.place, bigint, bigint, jsonb, jsonb, jsonb); Type: FUNCTION; Schema: _bemi; Owner: postgres
--

CREATE FUNCTION _bemi.walked_row(place _bemi.place, commit_position bigint, sequence bigint, INOUT "row" jsonb, INOUT exact jsonb, INOUT fidelity jsonb) RETURNS record
    LANGUAGE plpgsql STABLE
    SET search_path TO 'pg_catalog'
    AS $$
declare map jsonb; lost jsonb;
begin
  place.at := 'infinity';
  map := _bemi.map_of(place, walked_row.commit_position, walked_row.sequence);
  if map is null then return; end if;
  select jsonb_agg(m) filter (where m ->> 1 is not null),
         jsonb_object_agg(m ->> 0, 'unknown') filter (where m ->> 1 is null)
  into map, lost from jsonb_array_elements(map) m;
  "row" := _bemi.reshaped(map, "row");
  exact := _bemi.reshaped_remarks(map, exact, false);
  fidelity := nullif(coalesce(_bemi.reshaped_remarks(map, fidelity, false), '{}') || coalesce(lost, '{}'), '{}');
end $$;


ALTER FUNCTION _bemi.walked_row(place _bemi.place, commit_position bigint, sequence bigint, INOUT "row" jsonb, INOUT exact jsonb, INOUT fidelity jsonb) OWNER TO postgres;

--
-- Name: write_checkpoint(_bemi.place, timestamp with time zone, bigint); Type: FUNCTION; Schema: _bemi; Owner: postgres
--

CREATE FUNCTION _bemi.write_checkpoint(in_place _bemi.place, before timestamp with time zone, first_sequence bigint) RETURNS bigint
    LANGUAGE plpgsql
    SET search_path TO 'pg_catalog'
    AS $$
declare
  in_position bigint := _bemi.checkpoint_position(in_place);
  known _bemi.coverage;
  written bigint;
begin
  select * into known from _bemi.coverage c
  where c.source = in_place.source and c.epoch = in_place.epoch and c.relation = in_place.relation and c.since < before
  order by c.position desc limit 1;
  insert into "public".changes (id, source, database, schema, "table", primary_key, operation, after, committed_at,
                                effective_at, queued_at, transaction_id, position, epoch, commit_position, sequence,
                                exact, fidelity)
  select _bemi.checkpoint_id(in_place.source, in_place.epoch, in_position, r.sequence, before), in_place.source,
         s.database, in_place.schema, in_place."table", r.primary_key, 'SNAPSHOT', r."row", before, before,
         clock_timestamp(), 0, in_position, in_place.epoch, in_position, r.sequence,
         case when r.exact is not null then jsonb_build_object('after', r.exact) end,
         case when r.fidelity is not null then jsonb_build_object('after', r.fidelity) end
  from (select r.*, first_sequence + row_number() over () as sequence from _bemi.rows_of(in_place) r) r
  cross join _bemi.source s where s.name = in_place.source;
  get diagnostics written = row_count;
  insert into _bemi.coverage (source, epoch, relation, schema, "table", position, since, whole, membership, checkpoint,
                              changes_before)
  values (in_place.source, in_place.epoch, in_place.relation, in_place.schema, in_place."table", in_position, before,
          coalesce(known.whole, false), known.membership, true,
          -- By the count that the view keeps, of which what came since is taken.
          (select max(v.changes) from _bemi.view v where v.source = in_place.source and v.relation = in_place.relation)
          - (select count(*) from "public".changes c
             where c."table" = in_place."table" and c.schema = in_place.schema and c.source = in_place.source
               and c.epoch = in_place.epoch and c.effective_at >= write_checkpoint.before) + written);
  return written;
end $$;


ALTER FUNCTION _bemi.write_checkpoint(in_place _bemi.place, before timestamp with time zone, first_sequence bigint) OWNER TO postgres;

--
-- Name: as_of(anyelement, timestamp with time zone, text, text, boolean, boolean); Type: FUNCTION; Schema: bemi; Owner: postgres
--

CREATE FUNCTION bemi.as_of(shape anyelement, at timestamp with time zone, name text DEFAULT NULL::text, source text DEFAULT NULL::text, partial boolean DEFAULT false, allow_stale boolean DEFAULT false) RETURNS SETOF anyelement
    LANGUAGE plpgsql STABLE
    SET search_path TO 'pg_catalog'
    AS $_$
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
end $_$;


ALTER FUNCTION bemi.as_of(shape anyelement, at timestamp with time zone, name text, source text, partial boolean, allow_stale boolean) OWNER TO postgres;

--
-- Name: diff(text, timestamp with time zone, timestamp with time zone, text, boolean, boolean); Type: FUNCTION; Schema: bemi; Owner: postgres
--

CREATE FUNCTION bemi.diff(name text, from_time timestamp with time zone, to_time timestamp with time zone, source text DEFAULT NULL::text, partial boolean DEFAULT false, allow_stale boolean DEFAULT false) RETURNS TABLE(primary_key text, operation text, before jsonb, after jsonb, changed jsonb)
    LANGUAGE sql STABLE
    SET search_path TO 'pg_catalog'
    AS $$
  with old as (
    select r.*, coalesce(r.primary_key, concat(r."row", r.exact, ' ', row_number() over (
                  partition by r.primary_key, case when r.primary_key is null then concat(r."row", r.exact) end))) as name
    from bemi.rows_as_of(diff.name, from_time, source, partial, allow_stale) r
  ), new as (
    select r.*, coalesce(r.primary_key, concat(r."row", r.exact, ' ', row_number() over (
                  partition by r.primary_key, case when r.primary_key is null then concat(r."row", r.exact) end))) as name
    from bemi.rows_as_of(diff.name, to_time, source, partial, allow_stale) r
  )
  select coalesce(a.primary_key, b.primary_key),
         case when a."row" is null then 'CREATE' when b."row" is null then 'DELETE' else 'UPDATE' end,
         coalesce(a."row", '{}'), coalesce(b."row", '{}'),
         _bemi.difference(coalesce(a."row", '{}'), coalesce(b."row", '{}'))
  from old a full join new b using (name)
  where (a."row"::text, a.exact) is distinct from (b."row"::text, b.exact)
  order by length(coalesce(a.primary_key, b.primary_key)), 1
$$;


ALTER FUNCTION bemi.diff(name text, from_time timestamp with time zone, to_time timestamp with time zone, source text, partial boolean, allow_stale boolean) OWNER TO postgres;

--
-- Name: explain_as_of(text, timestamp with time zone, text, boolean, boolean); Type: FUNCTION; Schema: bemi; Owner: postgres
--

CREATE FUNCTION bemi.explain_as_of(name text, at timestamp with time zone, source text DEFAULT NULL::text, partial boolean DEFAULT false, allow_stale boolean DEFAULT false) RETURNS SETOF text
    LANGUAGE plpgsql STABLE
    SET search_path TO 'pg_catalog'
    AS $$
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


ALTER FUNCTION bemi.explain_as_of(name text, at timestamp with time zone, source text, partial boolean, allow_stale boolean) OWNER TO postgres;

--
-- Name: history(text, text, text); Type: FUNCTION; Schema: bemi; Owner: postgres
--

CREATE FUNCTION bemi.history(name text, key text, source text DEFAULT NULL::text) RETURNS TABLE(version bigint, valid_from timestamp with time zone, valid_to timestamp with time zone, operation text, changed jsonb, context jsonb, "row" jsonb, transaction_id bigint, id uuid)
    LANGUAGE plpgsql STABLE
    SET search_path TO 'pg_catalog'
    AS $$
declare
  place record := bemi.parse_table(name);
  source_name text := _bemi.source_of(place.schema, place."table", source);
begin
  return query
  with stretch as (
    select r.epoch, s.*
    from (select distinct v.epoch, v.relation from _bemi.relation_version v
          where v.source = source_name and v.schema = place.schema and v."table" = place."table") r
    cross join lateral _bemi.segments(row(source_name, r.epoch, r.relation, null, null, 'infinity',
                                          0, null, false, '-infinity')::_bemi.place) s
  ), versions as (
    select distinct on (c.epoch, c.commit_position, c.sequence) c.* from stretch s
    cross join lateral (
      select c.* from "public".changes c
      where c."table" = s."table" and c.primary_key = key and c.schema = s.schema and c.source = source_name
        and c.epoch = s.epoch and (c.commit_position, c.sequence) >= (s.from_position, s.from_sequence)
        and (c.commit_position, c.sequence) < (s.to_position, s.to_sequence)
    ) c
  ), told as (  -- What a checkpoint repeats is no version.
    select v.* from (select v.*, row_number() over (order by v.epoch, v.commit_position, v.sequence) as number
                     from versions v) v
    where v.number = 1 or v.operation <> 'SNAPSHOT' or not exists (
      select from _bemi.coverage k where k.checkpoint and k.source = v.source and k.epoch = v.epoch
        and k.position = v.commit_position)
  ), ends as (
    select t.epoch, t.commit_position, t.sequence, t.effective_at
    from stretch s join "public".changes t on t."table" = s."table" and t.schema = s.schema and t.epoch = s.epoch
      and (t.commit_position, t.sequence) >= (s.from_position, s.from_sequence)
      and (t.commit_position, t.sequence) < (s.to_position, s.to_sequence)
    where t.operation = 'TRUNCATE' and t.source = source_name
    union all
    select k.epoch, k.commit_position, k.sequence, k.effective_at
    from stretch s join _bemi.key_change k on k."table" = s."table" and k.schema = s.schema and k.epoch = s.epoch
      and (k.commit_position, k.sequence) >= (s.from_position, s.from_sequence)
      and (k.commit_position, k.sequence) < (s.to_position, s.to_sequence)
    where k.previous_key = key and k.source = source_name
    union all
    select v.epoch, v.position, v.sequence, v.effective_at
    from stretch s join _bemi.relation_version v on v.source = source_name and v.epoch = s.epoch
      and (v.schema, v."table", v.dropped) = (s.schema, s."table", true)
  )
  select row_number() over w, c.effective_at,
         least(lead(c.effective_at) over w, case when c.operation <> 'DELETE' then (
           select min(e.effective_at) from ends e
           where (e.epoch, e.commit_position, e.sequence) > (c.epoch, c.commit_position, c.sequence)) end),
         c.operation, _bemi.difference(c.before, c.after), c.context, c.after, c.transaction_id, c.id
  from told c
  window w as (order by c.epoch, c.commit_position, c.sequence)
  order by c.epoch, c.commit_position, c.sequence;
end $$;


ALTER FUNCTION bemi.history(name text, key text, source text) OWNER TO postgres;

--
-- Name: moment(text, text); Type: FUNCTION; Schema: bemi; Owner: postgres
--

CREATE FUNCTION bemi.moment(said text, source text DEFAULT NULL::text) RETURNS timestamp with time zone
    LANGUAGE plpgsql STABLE
    SET search_path TO 'pg_catalog'
    AS $_$
declare
  in_source text := source;
  found record;
  marked jsonb;
begin
  if has_table_privilege(to_regclass('_bemi.mark'), 'select') then
    execute 'select jsonb_agg(m) from _bemi.mark m where m.name = $1 and ($2 is null or m.source = $2)'
    into marked using said, in_source;
    if jsonb_array_length(marked) > 1 then
      raise exception 'several sources have a mark %', said
        using errcode = 'ambiguous_parameter', hint = 'name one with source =>';
    elsif marked is not null then
      return (marked -> 0 ->> 'effective_at')::timestamptz;
    end if;
  end if;
  if said !~ '^[0-9]+$' and said !~ '^[0-9A-Fa-f]+/[0-9A-Fa-f]+$' then return said::timestamptz; end if;
  if in_source is null then
    select min(name) into in_source from _bemi.source having count(*) = 1;
    if in_source is null then
      raise exception 'a position or a transaction id belongs to one source, and there are several here'
        using errcode = 'ambiguous_parameter', hint = 'name one with source =>';
    end if;
  end if;
  if said ~ '/' then
    select c.epoch, c.commit_position, c.effective_at into found from "public".changes c
    where c.source = in_source and c.commit_position <= said::pg_lsn - '0/0'
      and c.epoch = (select s.epoch from _bemi.source s where s.name = in_source)
    order by c.effective_at desc, c.commit_position desc limit 1;
  else
    select c.epoch, c.commit_position, c.effective_at into found from "public".changes c
    where c.source = in_source and c.transaction_id = said::bigint
    order by c.effective_at desc limit 1;
  end if;
  if found.effective_at is null then
    raise exception 'there is no change at or before % in the history of %', said, in_source
      using errcode = 'no_data_found';
  elsif exists (select from "public".changes c where c.source = in_source and c.epoch = found.epoch
                  and c.effective_at = found.effective_at and c.commit_position > found.commit_position) then
    raise exception 'another transaction after % has the same time; nothing between them can be told apart', said
      using errcode = 'cardinality_violation';
  end if;
  -- Up to the next commit nothing happens: a baseline that was taken meanwhile counts.
  return greatest(found.effective_at, case when said ~ '/' then (
    select max(k.since) from _bemi.coverage k
    where k.source = in_source and k.epoch = found.epoch and k.position <= said::pg_lsn - '0/0'
      and k.since < (
        select coalesce(min(n.effective_at), max(s.effective_at))
        from _bemi.source s left join lateral (
          select c.effective_at from "public".changes c
          where c.source = s.name and c.epoch = found.epoch and c.effective_at >= found.effective_at
            and c.commit_position > said::pg_lsn - '0/0'
          order by c.effective_at, c.commit_position limit 1) n on true
        where s.name = in_source)) end);
end $_$;


ALTER FUNCTION bemi.moment(said text, source text) OWNER TO postgres;

--
-- Name: parse_table(text); Type: FUNCTION; Schema: bemi; Owner: postgres
--

CREATE FUNCTION bemi.parse_table(name text, OUT schema text, OUT "table" text) RETURNS record
    LANGUAGE plpgsql IMMUTABLE
    SET search_path TO 'pg_catalog'
    AS $$
declare parts text[] := parse_ident(name);
begin
  if cardinality(parts) > 2 then
    raise exception 'not a table''s name: %', name using hint = 'write table, or schema.table';
  end if;
  "table" := parts[cardinality(parts)];
  schema := case when cardinality(parts) = 2 then parts[1] else 'public' end;
end $$;


ALTER FUNCTION bemi.parse_table(name text, OUT schema text, OUT "table" text) OWNER TO postgres;

--
-- Name: refresh_time_travel(boolean); Type: FUNCTION; Schema: bemi; Owner: postgres
--

CREATE FUNCTION bemi.refresh_time_travel(everything boolean DEFAULT true) RETURNS void
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'pg_catalog'
    SET lock_timeout TO '10s'
    AS $$
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


ALTER FUNCTION bemi.refresh_time_travel(everything boolean) OWNER TO postgres;

--
-- Name: restore(anyelement, jsonb, jsonb); Type: FUNCTION; Schema: bemi; Owner: postgres
--

CREATE FUNCTION bemi.restore(shape anyelement, "row" jsonb, exact jsonb DEFAULT NULL::jsonb) RETURNS anyelement
    LANGUAGE plpgsql STABLE
    SET search_path TO 'pg_catalog'
    AS $_$
begin
  execute format('select %s from (select $1 as "row", $2 as exact) stored',
                 _bemi.restored_columns(pg_typeof(shape))) using "row", exact into shape;
  return shape;
end $_$;


ALTER FUNCTION bemi.restore(shape anyelement, "row" jsonb, exact jsonb) OWNER TO postgres;

--
-- Name: revert_sql(jsonb, bigint, text, text, text, timestamp with time zone, timestamp with time zone, text, uuid[], text, text, text, bigint); Type: FUNCTION; Schema: bemi; Owner: postgres
--

CREATE FUNCTION bemi.revert_sql(context jsonb DEFAULT NULL::jsonb, transaction bigint DEFAULT NULL::bigint, table_name text DEFAULT NULL::text, primary_key text DEFAULT NULL::text, operation text DEFAULT NULL::text, since timestamp with time zone DEFAULT NULL::timestamp with time zone, until timestamp with time zone DEFAULT NULL::timestamp with time zone, trace text DEFAULT NULL::text, changes uuid[] DEFAULT NULL::uuid[], source text DEFAULT NULL::text, actor text DEFAULT NULL::text, reason text DEFAULT NULL::text, max_rows bigint DEFAULT 10000) RETURNS text
    LANGUAGE plpgsql STABLE
    SET search_path TO 'pg_catalog'
    AS $_$
declare
  condition text := _bemi.revert_condition(context, transaction, table_name, primary_key, operation, since, until, trace, changes);
  asked text := condition;
  in_source text := source;
  selected record;
  past record;
  net record;
  lines text[] := '{}';
  places text[] := '{}';
  tab int;
  key_columns text[];
  said jsonb;
begin
  if in_source is null then
    select min(s.name) into in_source from _bemi.source s having count(*) = 1;
    if in_source is null then
      raise exception 'there are several sources here'
        using errcode = 'ambiguous_parameter', hint = 'name one with source =>';
    end if;
  end if;
  execute format(
    'select count(*) as changes, array_agg(distinct transaction_id) as ids, min(effective_at) as began from "public".changes c '
    'where c.source = %L and (%s) and operation in (''CREATE'', ''UPDATE'', ''DELETE'', ''TRUNCATE'')', in_source, condition) into selected;
  -- Reverts of nothing but selected transactions, and the reverts of these, belong to the selection.
  for past in
    select c.transaction_id as id, (array_agg(c.context -> 'revert_of'))[1] as of, bool_or(c.context ? 'revert_more') as more from "public".changes c
    where c.source = in_source and c.effective_at >= selected.began and c.context ? 'revert_of'
    group by c.epoch, c.commit_position, c.transaction_id order by c.epoch, c.commit_position
  loop
    if past.id <> all (selected.ids) and not past.more and jsonb_typeof(past.of) = 'array' and past.of <> '[]'
       and not exists (select from jsonb_array_elements_text(past.of) o (id) where o.id::bigint <> all (selected.ids)) then
      condition := format('%s or c.transaction_id = %s and c.context ? ''revert_of''', condition, past.id);
      selected.ids := selected.ids || past.id;
    end if;
  end loop;
  for net in select * from _bemi.net_changes(in_source, asked, condition) loop
    if net.conflict is not null then
      raise exception 'row % of %.% is in conflict: %', coalesce(net.key, '(no key)'), net.schema, net."table", net.conflict
        using errcode = 'object_not_in_prerequisite_state', hint = 'see: bemi revert, which can skip, force and cascade';
    elsif cardinality(lines) >= max_rows then
      raise exception 'more than % rows would be undone', max_rows
        using errcode = 'program_limit_exceeded', hint = 'narrow the selection, or raise max_rows';
    end if;
    tab := array_position(places, format('%I.%I', net.schema, net."table"));
    if tab is null then
      key_columns := _bemi.revert_key(in_source, net.schema, net."table", condition, selected.began);
      places := places || format('%I.%I', net.schema, net."table");
      tab := cardinality(places);
    end if;
    lines := lines || format('(%s, %s, %L, %L, %L, %L, %L, %L, %L, %L, %L)', cardinality(lines) + 1, tab, places[tab],
                             case when net.key is not null then key_columns end, net.kind, net.key, net.columns,
                             net.expected, net.expected_exact, net.target, net.target_exact);
  end loop;
  said := jsonb_strip_nulls(jsonb_build_object(
    'revert_of', (select coalesce(jsonb_agg(i.id order by i.id), '[]') from (
      select i.id from unnest(selected.ids) i (id) order by i.id desc limit 500) i),
    'revert_more', nullif(greatest(cardinality(selected.ids) - 500, 0), 0), 'actor', actor, 'reason', reason,
                                               '_bemi', '{"v": 1, "scope": "transaction"}'::jsonb));
  return concat_ws(E'\n',
    format('-- Undoes %s changes of %s: %s rows. Stops, and does nothing, where a row is not as the history has it.',
           selected.changes, in_source, cardinality(lines)),
    'begin;',
    'set local lock_timeout = ''10s''; set local row_security = off; set local standard_conforming_strings = on;',
    'set local timezone = ''UTC''; set local datestyle = ''ISO''; set local intervalstyle = ''postgres'';',
    'set local extra_float_digits = 1; set local bytea_output = ''hex'';',
    format('select pg_catalog.pg_logical_emit_message(true, ''_bemi'', %L);', said),
    'create temp table _bemi_undo (n bigint primary key, tab int, name text, key_columns text[], kind text, key text, columns text[], '
    'expected jsonb, expected_exact jsonb, target jsonb, target_exact jsonb) on commit drop;',
    case when lines <> '{}' then E'insert into pg_temp._bemi_undo values\n' || array_to_string(lines, E',\n') || ';' end,
    'do $bemi_undo$' || _bemi.undo_body() || '$bemi_undo$;',
    'commit;', '');
end $_$;


ALTER FUNCTION bemi.revert_sql(context jsonb, transaction bigint, table_name text, primary_key text, operation text, since timestamp with time zone, until timestamp with time zone, trace text, changes uuid[], source text, actor text, reason text, max_rows bigint) OWNER TO postgres;

--
-- Name: row_as_of(text, text, timestamp with time zone, text, boolean, boolean); Type: FUNCTION; Schema: bemi; Owner: postgres
--

CREATE FUNCTION bemi.row_as_of(name text, key text, at timestamp with time zone, source text DEFAULT NULL::text, partial boolean DEFAULT false, allow_stale boolean DEFAULT false) RETURNS SETOF bemi.row_version
    LANGUAGE plpgsql STABLE
    SET search_path TO 'pg_catalog'
    AS $$
declare
  place _bemi.place := _bemi.find_place(name, at, source, partial, allow_stale);
  segment record;
  version "public".changes;
  emptied record;
  map jsonb;
begin
  for segment in select * from _bemi.segments(place) loop
    select c.* into version from "public".changes c
    where c."table" = segment."table" and c.primary_key = key and c.schema = segment.schema
      and c.source = place.source and c.epoch = place.epoch and c.effective_at <= at
      and c.effective_at >= place.since_time
      and (c.commit_position, c.sequence) >= (segment.from_position, segment.from_sequence)
      and (c.commit_position, c.sequence) < (segment.to_position, segment.to_sequence)
    order by c.effective_at desc, c.commit_position desc, c.sequence desc limit 1;
    exit when version.id is not null;
    -- It got another key under this name, and was not seen here since.
    exit when _bemi.is_moved(place, key, segment.from_position, segment.from_sequence);
  end loop;
  if version.id is null or version.operation = 'DELETE' then return; end if;
  select * into emptied from _bemi.emptied(place);
  if (emptied.commit_position, emptied.sequence) > (version.commit_position, version.sequence)
     or _bemi.is_moved(place, key, version.commit_position, version.sequence) then
    return;
  end if;
  if place.mixed then map := _bemi.map_of(place, version.commit_position, version.sequence); end if;
  return query
  select version.primary_key, r."row", r.exact, r.fidelity, version.operation, version.effective_at, version.context
  from _bemi.reshape(map, version.after, version.exact -> 'after', version.fidelity -> 'after') r;
end $$;


ALTER FUNCTION bemi.row_as_of(name text, key text, at timestamp with time zone, source text, partial boolean, allow_stale boolean) OWNER TO postgres;

--
-- Name: rows_as_of(text, timestamp with time zone, text, boolean, boolean); Type: FUNCTION; Schema: bemi; Owner: postgres
--

CREATE FUNCTION bemi.rows_as_of(name text, at timestamp with time zone, source text DEFAULT NULL::text, partial boolean DEFAULT false, allow_stale boolean DEFAULT false) RETURNS SETOF bemi.row_version
    LANGUAGE plpgsql STABLE
    SET search_path TO 'pg_catalog'
    AS $$
begin
  return query select * from _bemi.rows_of(_bemi.find_place(name, at, source, partial, allow_stale));
end $$;


ALTER FUNCTION bemi.rows_as_of(name text, at timestamp with time zone, source text, partial boolean, allow_stale boolean) OWNER TO postgres;

--
-- Name: tables_at(timestamp with time zone, text, boolean, boolean); Type: FUNCTION; Schema: bemi; Owner: postgres
--

CREATE FUNCTION bemi.tables_at(at timestamp with time zone, source text DEFAULT NULL::text, partial boolean DEFAULT false, allow_stale boolean DEFAULT false) RETURNS TABLE(schema text, "table" text, relation bigint, primary_key text[], columns jsonb, query text)
    LANGUAGE plpgsql STABLE
    SET search_path TO 'pg_catalog'
    AS $_$
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
end $_$;


ALTER FUNCTION bemi.tables_at(at timestamp with time zone, source text, partial boolean, allow_stale boolean) OWNER TO postgres;

--
-- Name: transactions(timestamp with time zone, timestamp with time zone, jsonb, text, bigint); Type: FUNCTION; Schema: bemi; Owner: postgres
--

CREATE FUNCTION bemi.transactions(since timestamp with time zone DEFAULT '-infinity'::timestamp with time zone, until timestamp with time zone DEFAULT 'infinity'::timestamp with time zone, with_context jsonb DEFAULT '{}'::jsonb, source text DEFAULT NULL::text, "limit" bigint DEFAULT 50) RETURNS TABLE(transaction_source text, transaction_id bigint, effective_at timestamp with time zone, changes bigint, tables jsonb, context jsonb)
    LANGUAGE sql STABLE
    SET search_path TO 'pg_catalog'
    AS $$
  with changed as (
    select c.source, c.epoch, c.commit_position, c.transaction_id, c.effective_at,
           c.schema || '.' || c."table" as "table", count(*) as count,
           (array_agg(c.context - 'SQL' order by c.sequence))[1] as context
    from "public".changes c
    where c.effective_at >= transactions.since and c.effective_at < transactions.until
      and c.context @> with_context and (transactions.source is null or c.source = transactions.source)
      and c.operation <> 'SNAPSHOT'
    group by 1, 2, 3, 4, 5, 6
  )
  select c.source, c.transaction_id, c.effective_at, sum(c.count)::bigint, jsonb_object_agg(c."table", c.count),
         (array_agg(c.context))[1]
  from changed c group by c.source, c.epoch, c.commit_position, c.transaction_id, c.effective_at
  order by c.effective_at desc, c.epoch desc, c.commit_position desc limit "limit"
$$;


ALTER FUNCTION bemi.transactions(since timestamp with time zone, until timestamp with time zone, with_context jsonb, source text, "limit" bigint) OWNER TO postgres;

--
-- Name: trends(interval, text, timestamp with time zone, timestamp with time zone, text); Type: FUNCTION; Schema: bemi; Owner: postgres
--

CREATE FUNCTION bemi.trends(span interval DEFAULT '01:00:00'::interval, group_by text DEFAULT 'operation'::text, since timestamp with time zone DEFAULT (now() - '1 day'::interval), until timestamp with time zone DEFAULT 'infinity'::timestamp with time zone, source text DEFAULT NULL::text) RETURNS TABLE(starts_at timestamp with time zone, grp text, changes bigint)
    LANGUAGE sql STABLE
    SET search_path TO 'pg_catalog'
    AS $$
  select date_bin(span, c.effective_at, '2000-01-01 00:00:00+00'),
         case group_by when 'operation' then c.operation when 'table' then c.schema || '.' || c."table"
           when 'source' then c.source else c.context ->> group_by end,
         count(*)
  from "public".changes c
  where c.effective_at >= since and c.effective_at < until and c.operation <> 'SNAPSHOT'
    and (trends.source is null or c.source = trends.source)
  group by 1, 2 order by 1, 2
$$;


ALTER FUNCTION bemi.trends(span interval, group_by text, since timestamp with time zone, until timestamp with time zone, source text) OWNER TO postgres;

--
-- Name: access_token; Type: TABLE; Schema: _bemi; Owner: postgres
--

CREATE TABLE _bemi.access_token (
    name text NOT NULL,
    role text NOT NULL,
    hash text NOT NULL,
    created_at timestamp with time zone DEFAULT now() NOT NULL,
    CONSTRAINT access_token_role_check CHECK ((role = ANY (ARRAY['viewer'::text, 'operator'::text, 'admin'::text])))
);


ALTER TABLE _bemi.access_token OWNER TO postgres;

--
-- Name: action; Type: TABLE; Schema: _bemi; Owner: postgres
--

CREATE TABLE _bemi.action (
    id bigint NOT NULL,
    at timestamp with time zone DEFAULT now() NOT NULL,
    actor text NOT NULL,
    role text NOT NULL,
    peer text NOT NULL,
    action text NOT NULL,
    target text DEFAULT ''::text NOT NULL,
    details jsonb DEFAULT '{}'::jsonb NOT NULL,
    outcome text,
    ended_at timestamp with time zone
);


ALTER TABLE _bemi.action OWNER TO postgres;

--
-- Name: action_id_seq; Type: SEQUENCE; Schema: _bemi; Owner: postgres
--

ALTER TABLE _bemi.action ALTER COLUMN id ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME _bemi.action_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);


--
-- Name: archive; Type: TABLE; Schema: _bemi; Owner: postgres
--

CREATE TABLE _bemi.archive (
    "window" text NOT NULL,
    from_time timestamp with time zone NOT NULL,
    to_time timestamp with time zone NOT NULL,
    rows bigint NOT NULL,
    bytes bigint NOT NULL,
    file text NOT NULL,
    archived_at timestamp with time zone DEFAULT now() NOT NULL
);


ALTER TABLE _bemi.archive OWNER TO postgres;

--
-- Name: baseline_piece; Type: TABLE; Schema: _bemi; Owner: postgres
--

CREATE TABLE _bemi.baseline_piece (
    source text NOT NULL,
    epoch integer NOT NULL,
    relation bigint NOT NULL,
    leaf bigint NOT NULL,
    file bigint NOT NULL,
    first_block bigint NOT NULL
);


ALTER TABLE _bemi.baseline_piece OWNER TO postgres;

--
-- Name: dashboard_user; Type: TABLE; Schema: _bemi; Owner: postgres
--

CREATE TABLE _bemi.dashboard_user (
    name text NOT NULL,
    role text NOT NULL,
    password text,
    created_at timestamp with time zone DEFAULT now() NOT NULL,
    changed_at timestamp with time zone DEFAULT now() NOT NULL,
    CONSTRAINT dashboard_user_name_check CHECK ((name <> ''::text)),
    CONSTRAINT dashboard_user_role_check CHECK ((role = ANY (ARRAY['viewer'::text, 'operator'::text, 'admin'::text])))
);


ALTER TABLE _bemi.dashboard_user OWNER TO postgres;

--
-- Name: destination; Type: TABLE; Schema: _bemi; Owner: postgres
--

CREATE TABLE _bemi.destination (
    only_row boolean DEFAULT true NOT NULL,
    schema text NOT NULL,
    partition_by text NOT NULL,
    CONSTRAINT destination_only_row_check CHECK (only_row),
    CONSTRAINT destination_partition_by_check CHECK ((partition_by = ANY (ARRAY['day'::text, 'week'::text, 'month'::text])))
);


ALTER TABLE _bemi.destination OWNER TO postgres;

--
-- Name: dropped_window; Type: TABLE; Schema: _bemi; Owner: postgres
--

CREATE TABLE _bemi.dropped_window (
    "window" text NOT NULL,
    from_time timestamp with time zone NOT NULL,
    to_time timestamp with time zone NOT NULL,
    began_at timestamp with time zone DEFAULT now() NOT NULL,
    dropped_at timestamp with time zone
);


ALTER TABLE _bemi.dropped_window OWNER TO postgres;

--
-- Name: epoch; Type: TABLE; Schema: _bemi; Owner: postgres
--

CREATE TABLE _bemi.epoch (
    source text NOT NULL,
    epoch integer NOT NULL,
    consistent_point pg_lsn NOT NULL,
    previous_until timestamp with time zone,
    baseline boolean NOT NULL,
    began_at timestamp with time zone NOT NULL
);


ALTER TABLE _bemi.epoch OWNER TO postgres;

--
-- Name: gap; Type: TABLE; Schema: _bemi; Owner: postgres
--

CREATE TABLE _bemi.gap (
    id bigint NOT NULL,
    source text NOT NULL,
    epoch integer NOT NULL,
    reason text NOT NULL,
    from_position pg_lsn,
    to_position pg_lsn,
    detected_at timestamp with time zone DEFAULT now() NOT NULL,
    accepted_at timestamp with time zone
);


ALTER TABLE _bemi.gap OWNER TO postgres;

--
-- Name: gap_id_seq; Type: SEQUENCE; Schema: _bemi; Owner: postgres
--

ALTER TABLE _bemi.gap ALTER COLUMN id ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME _bemi.gap_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);


--
-- Name: key_1; Type: TABLE; Schema: _bemi; Owner: postgres
--

CREATE TABLE _bemi.key_1 (
    primary_key text NOT NULL,
    c1 uuid
);


ALTER TABLE _bemi.key_1 OWNER TO postgres;

--
-- Name: key_3; Type: TABLE; Schema: _bemi; Owner: postgres
--

CREATE TABLE _bemi.key_3 (
    primary_key text NOT NULL,
    c1 integer,
    c2 integer
);


ALTER TABLE _bemi.key_3 OWNER TO postgres;

--
-- Name: key_4; Type: TABLE; Schema: _bemi; Owner: postgres
--

CREATE TABLE _bemi.key_4 (
    primary_key text NOT NULL,
    c1 bigint
);


ALTER TABLE _bemi.key_4 OWNER TO postgres;

--
-- Name: key_5; Type: TABLE; Schema: _bemi; Owner: postgres
--

CREATE TABLE _bemi.key_5 (
    primary_key text NOT NULL,
    c1 integer
);


ALTER TABLE _bemi.key_5 OWNER TO postgres;

--
-- Name: key_9; Type: TABLE; Schema: _bemi; Owner: postgres
--

CREATE TABLE _bemi.key_9 (
    primary_key text NOT NULL,
    c1 bigint
);


ALTER TABLE _bemi.key_9 OWNER TO postgres;

--
-- Name: key_change; Type: TABLE; Schema: _bemi; Owner: postgres
--

CREATE TABLE _bemi.key_change (
    source text NOT NULL,
    schema text NOT NULL,
    "table" text NOT NULL,
    previous_key text NOT NULL,
    epoch integer NOT NULL,
    commit_position bigint NOT NULL,
    sequence bigint NOT NULL,
    effective_at timestamp with time zone NOT NULL
);


ALTER TABLE _bemi.key_change OWNER TO postgres;

--
-- Name: login_session; Type: TABLE; Schema: _bemi; Owner: postgres
--

CREATE TABLE _bemi.login_session (
    hash text NOT NULL,
    name text NOT NULL,
    role text NOT NULL,
    created_at timestamp with time zone DEFAULT now() NOT NULL,
    expires_at timestamp with time zone NOT NULL,
    CONSTRAINT login_session_role_check CHECK ((role = ANY (ARRAY['viewer'::text, 'operator'::text, 'admin'::text])))
);


ALTER TABLE _bemi.login_session OWNER TO postgres;

--
-- Name: managed_source; Type: TABLE; Schema: _bemi; Owner: postgres
--

CREATE TABLE _bemi.managed_source (
    name text NOT NULL,
    url text NOT NULL,
    revert_url text,
    place text NOT NULL,
    options jsonb NOT NULL,
    is_paused boolean DEFAULT false NOT NULL,
    revision integer DEFAULT 1 NOT NULL,
    created_by text NOT NULL,
    created_at timestamp with time zone DEFAULT now() NOT NULL,
    changed_at timestamp with time zone DEFAULT now() NOT NULL,
    destination_url text,
    destination_place text DEFAULT ''::text NOT NULL,
    CONSTRAINT managed_source_name_check CHECK ((name <> ''::text))
);


ALTER TABLE _bemi.managed_source OWNER TO postgres;

--
-- Name: mark; Type: TABLE; Schema: _bemi; Owner: postgres
--

CREATE TABLE _bemi.mark (
    source text NOT NULL,
    name text NOT NULL,
    epoch integer NOT NULL,
    commit_position bigint NOT NULL,
    effective_at timestamp with time zone NOT NULL,
    sequences jsonb NOT NULL,
    not_covered jsonb NOT NULL,
    protected boolean DEFAULT false NOT NULL,
    comment text,
    created_at timestamp with time zone DEFAULT now() NOT NULL,
    rollback_transaction bigint,
    rollback_sequences jsonb,
    rolled_back_at timestamp with time zone
);


ALTER TABLE _bemi.mark OWNER TO postgres;

--
-- Name: migration; Type: TABLE; Schema: _bemi; Owner: postgres
--

CREATE TABLE _bemi.migration (
    version integer NOT NULL,
    name text NOT NULL,
    applied_at timestamp with time zone DEFAULT now() NOT NULL
);


ALTER TABLE _bemi.migration OWNER TO postgres;

--
-- Name: parked; Type: TABLE; Schema: _bemi; Owner: postgres
--

CREATE TABLE _bemi.parked (
    id bigint NOT NULL,
    source text NOT NULL,
    epoch integer NOT NULL,
    commit_position bigint NOT NULL,
    sequence bigint NOT NULL,
    transaction_id bigint NOT NULL,
    what text NOT NULL,
    reason text NOT NULL,
    content bytea NOT NULL,
    parked_at timestamp with time zone DEFAULT now() NOT NULL,
    CONSTRAINT parked_what_check CHECK ((what = ANY (ARRAY['context'::text, 'change'::text])))
);


ALTER TABLE _bemi.parked OWNER TO postgres;

--
-- Name: parked_id_seq; Type: SEQUENCE; Schema: _bemi; Owner: postgres
--

ALTER TABLE _bemi.parked ALTER COLUMN id ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME _bemi.parked_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);


--
-- Name: saved_view; Type: TABLE; Schema: _bemi; Owner: postgres
--

CREATE TABLE _bemi.saved_view (
    owner text NOT NULL,
    name text NOT NULL,
    address text NOT NULL,
    is_shared boolean DEFAULT false NOT NULL,
    created_at timestamp with time zone DEFAULT now() NOT NULL,
    CONSTRAINT saved_view_address_check CHECK ((address ~~ '/%'::text)),
    CONSTRAINT saved_view_name_check CHECK ((name <> ''::text))
);


ALTER TABLE _bemi.saved_view OWNER TO postgres;

--
-- Name: source; Type: TABLE; Schema: _bemi; Owner: postgres
--

CREATE TABLE _bemi.source (
    name text NOT NULL,
    database text NOT NULL,
    slot text NOT NULL,
    publication text NOT NULL,
    state text NOT NULL,
    system_identifier text,
    timeline integer,
    epoch integer DEFAULT 1 NOT NULL,
    consistent_point pg_lsn,
    "position" pg_lsn,
    effective_at timestamp with time zone,
    advanced_at timestamp with time zone,
    last_change_at timestamp with time zone,
    transactions bigint DEFAULT 0 NOT NULL,
    changes bigint DEFAULT 0 NOT NULL,
    changes_with_context bigint DEFAULT 0 NOT NULL,
    contexts_rejected bigint DEFAULT 0 NOT NULL,
    created_at timestamp with time zone DEFAULT now() NOT NULL,
    worker jsonb,
    CONSTRAINT source_state_check CHECK ((state = ANY (ARRAY['creating'::text, 'streaming'::text, 'stopped'::text])))
)
WITH (fillfactor='50');


ALTER TABLE _bemi.source OWNER TO postgres;

--
-- Name: stage; Type: TABLE; Schema: _bemi; Owner: postgres
--

CREATE TABLE _bemi.stage (
    source text NOT NULL,
    place integer NOT NULL,
    stage text NOT NULL,
    items bigint NOT NULL,
    bytes bigint NOT NULL,
    input_wait_us bigint NOT NULL,
    output_wait_us bigint NOT NULL,
    elapsed_us bigint NOT NULL,
    until timestamp with time zone DEFAULT now() NOT NULL
)
WITH (fillfactor='50');


ALTER TABLE _bemi.stage OWNER TO postgres;

--
-- Name: untracked; Type: TABLE; Schema: _bemi; Owner: postgres
--

CREATE TABLE _bemi.untracked (
    source text NOT NULL,
    schema text NOT NULL,
    "table" text NOT NULL,
    columns jsonb NOT NULL
);


ALTER TABLE _bemi.untracked OWNER TO postgres;

--
-- Name: view_id_seq; Type: SEQUENCE; Schema: _bemi; Owner: postgres
--

ALTER TABLE _bemi.view ALTER COLUMN id ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME _bemi.view_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);


--
-- Name: view_source; Type: TABLE; Schema: _bemi; Owner: postgres
--

CREATE TABLE _bemi.view_source (
    source text NOT NULL,
    until timestamp with time zone,
    versions bigint DEFAULT 0 NOT NULL
);


ALTER TABLE _bemi.view_source OWNER TO postgres;

--
-- Name: webhook; Type: TABLE; Schema: _bemi; Owner: postgres
--

CREATE TABLE _bemi.webhook (
    name text NOT NULL,
    url text NOT NULL,
    filter jsonb NOT NULL,
    is_enabled boolean NOT NULL,
    secret text NOT NULL,
    seen text NOT NULL,
    pending bigint DEFAULT 0 NOT NULL,
    failures integer DEFAULT 0 NOT NULL,
    next_attempt_at timestamp with time zone DEFAULT now() NOT NULL,
    last_attempt_at timestamp with time zone,
    last_success_at timestamp with time zone,
    last_status integer,
    last_error text,
    delivered bigint DEFAULT 0 NOT NULL,
    created_by text NOT NULL,
    created_at timestamp with time zone DEFAULT now() NOT NULL,
    CONSTRAINT webhook_name_check CHECK ((name <> ''::text))
);


ALTER TABLE _bemi.webhook OWNER TO postgres;

--
-- Name: window; Type: VIEW; Schema: _bemi; Owner: postgres
--

CREATE VIEW _bemi."window" AS
 SELECT c.relname AS name,
    w.from_time,
    w.to_time,
    (w.to_time <= COALESCE(( SELECT min(s.effective_at) AS min
           FROM _bemi.source s), '-infinity'::timestamp with time zone)) AS closed,
    (EXISTS ( SELECT
           FROM pg_constraint k
          WHERE ((k.conrelid = c.oid) AND (k.conname = 'bemi_sealed'::name)))) AS sealed,
    i.inhdetachpending AS detaching,
    COALESCE((obj_description(c.oid, 'pg_class'::name) ~~ 'Restored from an archive%'::text), false) AS restored,
    (EXISTS ( SELECT
           FROM _bemi.archive a
          WHERE (a."window" = c.relname))) AS archived,
    pg_total_relation_size((c.oid)::regclass) AS bytes
   FROM ((pg_inherits i
     JOIN pg_class c ON ((c.oid = i.inhrelid)))
     CROSS JOIN LATERAL ( SELECT (bound.bound[1])::timestamp with time zone AS from_time,
            (bound.bound[2])::timestamp with time zone AS to_time
           FROM regexp_match(pg_get_expr(c.relpartbound, c.oid), 'FROM \(''([^'']*)''\) TO \(''([^'']*)''\)'::text) bound(bound)) w)
  WHERE (i.inhparent = ('public.changes'::regclass)::oid)
  ORDER BY w.from_time;


ALTER TABLE _bemi."window" OWNER TO postgres;

--
-- Name: VIEW "window"; Type: COMMENT; Schema: _bemi; Owner: postgres
--

COMMENT ON VIEW _bemi."window" IS 'The partitions of changes, and what may be done with each.';


--
-- Name: time_travel_tables; Type: VIEW; Schema: bemi; Owner: postgres
--

CREATE VIEW bemi.time_travel_tables AS
 SELECT v.source,
    v.schema,
    v."table",
    format('%I.%I'::text, v.view_schema, v."table") AS view,
    v.known_from,
    v.until,
    v.shown_as_text,
    v.problem
   FROM _bemi.view v;


ALTER TABLE bemi.time_travel_tables OWNER TO postgres;

--
-- Name: changes_2026_11; Type: TABLE; Schema: public; Owner: postgres
--

CREATE TABLE public.changes_2026_11 (
    id uuid NOT NULL,
    source text NOT NULL,
    database text NOT NULL,
    schema text NOT NULL,
    "table" text NOT NULL,
    primary_key text,
    operation text NOT NULL,
    before jsonb DEFAULT '{}'::jsonb NOT NULL,
    after jsonb DEFAULT '{}'::jsonb NOT NULL,
    context jsonb DEFAULT '{}'::jsonb NOT NULL,
    committed_at timestamp with time zone NOT NULL,
    effective_at timestamp with time zone NOT NULL,
    queued_at timestamp with time zone NOT NULL,
    created_at timestamp with time zone DEFAULT clock_timestamp() NOT NULL,
    transaction_id bigint NOT NULL,
    "position" bigint NOT NULL,
    epoch integer NOT NULL,
    commit_position bigint NOT NULL,
    sequence bigint NOT NULL,
    exact jsonb,
    fidelity jsonb
);


ALTER TABLE public.changes_2026_11 OWNER TO postgres;

--
-- Name: event; Type: VIEW; Schema: time_travel; Owner: postgres
--

CREATE VIEW time_travel.event AS
 SELECT (COALESCE((r.exact ->> 'at'::text), ((r."row" -> 'at'::text) #>> '{}'::text[])))::timestamp with time zone AS at,
    COALESCE((r.exact ->> 'what'::text), ((r."row" -> 'what'::text) #>> '{}'::text[])) AS what
   FROM _bemi.asked_content(2) r(primary_key, "row", exact, fidelity, operation, effective_at, context);


ALTER TABLE time_travel.event OWNER TO postgres;

--
-- Name: VIEW event; Type: COMMENT; Schema: time_travel; Owner: postgres
--

COMMENT ON VIEW time_travel.event IS 'public.event as of the time in bemi.as_of; made by Bemi';


--
-- Name: line; Type: VIEW; Schema: time_travel; Owner: postgres
--

CREATE VIEW time_travel.line AS
 SELECT k.c1 AS todo,
    k.c2 AS "position",
        CASE
            WHEN ((c.fidelity IS NULL) OR (((c.fidelity -> 'after'::text) ->> 'note'::text) IS DISTINCT FROM 'unknown'::text)) THEN COALESCE(((c.exact -> 'after'::text) ->> 'note'::text), ((c.after -> 'note'::text) #>> '{}'::text[]))
            ELSE _bemi.unknown_value(3, 'note'::text)
        END AS note
   FROM (_bemi.key_3 k
     CROSS JOIN LATERAL ( SELECT c_1.epoch,
            c_1.commit_position,
            c_1.sequence,
            c_1.effective_at,
            c_1.operation,
            c_1.after,
            c_1.exact,
            c_1.fidelity
           FROM public.changes c_1
          WHERE ((c_1.primary_key = k.primary_key) AND (c_1.effective_at <= ( SELECT _bemi.asked_time(3, 'shop'::text) AS asked_time)) AND (c_1."table" = 'line'::text) AND (c_1.schema = 'public'::text) AND (c_1.source = 'shop'::text))
          ORDER BY c_1.effective_at DESC, c_1.commit_position DESC, c_1.sequence DESC
         LIMIT 1) c)
  WHERE (( SELECT _bemi.is_answered(3) AS is_answered) AND (c.operation <> 'DELETE'::text) AND ((c.epoch, c.commit_position, c.sequence) >= ( SELECT f.epoch,
            f.commit_position,
            f.sequence
           FROM _bemi.asked_floor(3) f(epoch, commit_position, sequence))) AND (NOT (EXISTS ( SELECT
           FROM _bemi.key_change m
          WHERE ((m.previous_key = k.primary_key) AND (m.effective_at >= c.effective_at) AND (m.effective_at <= ( SELECT _bemi.asked_time(3, 'shop'::text) AS asked_time)) AND (ROW(m.epoch, m.commit_position, m.sequence) > ROW(c.epoch, c.commit_position, c.sequence)) AND ((m."table" = 'line'::text) AND (m.schema = 'public'::text) AND (m.source = 'shop'::text)))))));


ALTER TABLE time_travel.line OWNER TO postgres;

--
-- Name: VIEW line; Type: COMMENT; Schema: time_travel; Owner: postgres
--

COMMENT ON VIEW time_travel.line IS 'public.line as of the time in bemi.as_of; made by Bemi';


--
-- Name: renamed; Type: VIEW; Schema: time_travel; Owner: postgres
--

CREATE VIEW time_travel.renamed AS
 SELECT k.c1 AS id,
        CASE
            WHEN ((c.fidelity IS NULL) OR (((c.fidelity -> 'after'::text) ->> 'label'::text) IS DISTINCT FROM 'unknown'::text)) THEN COALESCE(((c.exact -> 'after'::text) ->> 'label'::text), ((c.after -> 'label'::text) #>> '{}'::text[]))
            ELSE _bemi.unknown_value(9, 'label'::text)
        END AS label,
        CASE
            WHEN (ROW(c.epoch, c.commit_position, c.sequence) < ROW(1, 26242168, 2)) THEN
            CASE
                WHEN (( SELECT _bemi.asked_time(9, 'shop'::text) AS asked_time) >= '2026-11-28 05:27:36.744781+00'::timestamp with time zone) THEN COALESCE(NULL::text, ('"x"'::jsonb #>> '{}'::text[]))
                ELSE NULL::text
            END
            ELSE
            CASE
                WHEN ((c.fidelity IS NULL) OR (((c.fidelity -> 'after'::text) ->> 'extra'::text) IS DISTINCT FROM 'unknown'::text)) THEN COALESCE(((c.exact -> 'after'::text) ->> 'extra'::text), ((c.after -> 'extra'::text) #>> '{}'::text[]))
                ELSE _bemi.unknown_value(9, 'extra'::text)
            END
        END AS extra
   FROM (_bemi.key_9 k
     CROSS JOIN LATERAL ( SELECT u.epoch,
            u.commit_position,
            u.sequence,
            u.effective_at,
            u.operation,
            u.after,
            u.exact,
            u.fidelity
           FROM (( SELECT c_1.epoch,
                    c_1.commit_position,
                    c_1.sequence,
                    c_1.effective_at,
                    c_1.operation,
                    c_1.after,
                    c_1.exact,
                    c_1.fidelity
                   FROM public.changes c_1
                  WHERE ((c_1.primary_key = k.primary_key) AND (c_1.effective_at <= ( SELECT _bemi.asked_time(9, 'shop'::text) AS asked_time)) AND (c_1."table" = 'renamed_later'::text) AND (c_1.schema = 'public'::text) AND (c_1.source = 'shop'::text) AND (ROW(c_1.epoch, c_1.commit_position, c_1.sequence) < ROW(1, 26242168, 1)))
                  ORDER BY c_1.effective_at DESC, c_1.commit_position DESC, c_1.sequence DESC
                 LIMIT 1)
                UNION ALL
                ( SELECT c_1.epoch,
                    c_1.commit_position,
                    c_1.sequence,
                    c_1.effective_at,
                    c_1.operation,
                    c_1.after,
                    c_1.exact,
                    c_1.fidelity
                   FROM public.changes c_1
                  WHERE ((c_1.primary_key = k.primary_key) AND (c_1.effective_at <= ( SELECT _bemi.asked_time(9, 'shop'::text) AS asked_time)) AND (c_1."table" = 'renamed'::text) AND (c_1.schema = 'public'::text) AND (c_1.source = 'shop'::text) AND (ROW(c_1.epoch, c_1.commit_position, c_1.sequence) >= ROW(1, 26242168, 1)))
                  ORDER BY c_1.effective_at DESC, c_1.commit_position DESC, c_1.sequence DESC
                 LIMIT 1)) u
          ORDER BY u.epoch DESC, u.commit_position DESC, u.sequence DESC
         LIMIT 1) c)
  WHERE (( SELECT _bemi.is_answered(9) AS is_answered) AND (c.operation <> 'DELETE'::text) AND ((c.epoch, c.commit_position, c.sequence) >= ( SELECT f.epoch,
            f.commit_position,
            f.sequence
           FROM _bemi.asked_floor(9) f(epoch, commit_position, sequence))) AND (NOT (EXISTS ( SELECT
           FROM _bemi.key_change m
          WHERE ((m.previous_key = k.primary_key) AND (m.effective_at >= c.effective_at) AND (m.effective_at <= ( SELECT _bemi.asked_time(9, 'shop'::text) AS asked_time)) AND (ROW(m.epoch, m.commit_position, m.sequence) > ROW(c.epoch, c.commit_position, c.sequence)) AND (((m."table" = 'renamed_later'::text) AND (m.schema = 'public'::text) AND (m.source = 'shop'::text) AND (ROW(m.epoch, m.commit_position, m.sequence) < ROW(1, 26242168, 1))) OR ((m."table" = 'renamed'::text) AND (m.schema = 'public'::text) AND (m.source = 'shop'::text) AND (ROW(m.epoch, m.commit_position, m.sequence) >= ROW(1, 26242168, 1)))))))));


ALTER TABLE time_travel.renamed OWNER TO postgres;

--
-- Name: VIEW renamed; Type: COMMENT; Schema: time_travel; Owner: postgres
--

COMMENT ON VIEW time_travel.renamed IS 'public.renamed as of the time in bemi.as_of; made by Bemi';


--
-- Name: renamed_later; Type: VIEW; Schema: time_travel; Owner: postgres
--

CREATE VIEW time_travel.renamed_later AS
 SELECT k.c1 AS id,
        CASE
            WHEN ((c.fidelity IS NULL) OR (((c.fidelity -> 'after'::text) ->> 'label'::text) IS DISTINCT FROM 'unknown'::text)) THEN COALESCE(((c.exact -> 'after'::text) ->> 'label'::text), ((c.after -> 'label'::text) #>> '{}'::text[]))
            ELSE _bemi.unknown_value(4, 'label'::text)
        END AS label,
        CASE
            WHEN (ROW(c.epoch, c.commit_position, c.sequence) < ROW(1, 26242168, 2)) THEN
            CASE
                WHEN (( SELECT _bemi.asked_time(4, 'shop'::text) AS asked_time) >= '2026-11-28 05:27:36.744781+00'::timestamp with time zone) THEN COALESCE(NULL::text, ('"x"'::jsonb #>> '{}'::text[]))
                ELSE NULL::text
            END
            ELSE
            CASE
                WHEN ((c.fidelity IS NULL) OR (((c.fidelity -> 'after'::text) ->> 'extra'::text) IS DISTINCT FROM 'unknown'::text)) THEN COALESCE(((c.exact -> 'after'::text) ->> 'extra'::text), ((c.after -> 'extra'::text) #>> '{}'::text[]))
                ELSE _bemi.unknown_value(4, 'extra'::text)
            END
        END AS extra
   FROM (_bemi.key_4 k
     CROSS JOIN LATERAL ( SELECT u.epoch,
            u.commit_position,
            u.sequence,
            u.effective_at,
            u.operation,
            u.after,
            u.exact,
            u.fidelity
           FROM (( SELECT c_1.epoch,
                    c_1.commit_position,
                    c_1.sequence,
                    c_1.effective_at,
                    c_1.operation,
                    c_1.after,
                    c_1.exact,
                    c_1.fidelity
                   FROM public.changes c_1
                  WHERE ((c_1.primary_key = k.primary_key) AND (c_1.effective_at <= ( SELECT _bemi.asked_time(4, 'shop'::text) AS asked_time)) AND (c_1."table" = 'renamed_later'::text) AND (c_1.schema = 'public'::text) AND (c_1.source = 'shop'::text) AND (ROW(c_1.epoch, c_1.commit_position, c_1.sequence) < ROW(1, 26242168, 1)))
                  ORDER BY c_1.effective_at DESC, c_1.commit_position DESC, c_1.sequence DESC
                 LIMIT 1)
                UNION ALL
                ( SELECT c_1.epoch,
                    c_1.commit_position,
                    c_1.sequence,
                    c_1.effective_at,
                    c_1.operation,
                    c_1.after,
                    c_1.exact,
                    c_1.fidelity
                   FROM public.changes c_1
                  WHERE ((c_1.primary_key = k.primary_key) AND (c_1.effective_at <= ( SELECT _bemi.asked_time(4, 'shop'::text) AS asked_time)) AND (c_1."table" = 'renamed'::text) AND (c_1.schema = 'public'::text) AND (c_1.source = 'shop'::text) AND (ROW(c_1.epoch, c_1.commit_position, c_1.sequence) >= ROW(1, 26242168, 1)))
                  ORDER BY c_1.effective_at DESC, c_1.commit_position DESC, c_1.sequence DESC
                 LIMIT 1)) u
          ORDER BY u.epoch DESC, u.commit_position DESC, u.sequence DESC
         LIMIT 1) c)
  WHERE (( SELECT _bemi.is_answered(4) AS is_answered) AND (c.operation <> 'DELETE'::text) AND ((c.epoch, c.commit_position, c.sequence) >= ( SELECT f.epoch,
            f.commit_position,
            f.sequence
           FROM _bemi.asked_floor(4) f(epoch, commit_position, sequence))) AND (NOT (EXISTS ( SELECT
           FROM _bemi.key_change m
          WHERE ((m.previous_key = k.primary_key) AND (m.effective_at >= c.effective_at) AND (m.effective_at <= ( SELECT _bemi.asked_time(4, 'shop'::text) AS asked_time)) AND (ROW(m.epoch, m.commit_position, m.sequence) > ROW(c.epoch, c.commit_position, c.sequence)) AND (((m."table" = 'renamed_later'::text) AND (m.schema = 'public'::text) AND (m.source = 'shop'::text) AND (ROW(m.epoch, m.commit_position, m.sequence) < ROW(1, 26242168, 1))) OR ((m."table" = 'renamed'::text) AND (m.schema = 'public'::text) AND (m.source = 'shop'::text) AND (ROW(m.epoch, m.commit_position, m.sequence) >= ROW(1, 26242168, 1)))))))));


ALTER TABLE time_travel.renamed_later OWNER TO postgres;

--
-- Name: VIEW renamed_later; Type: COMMENT; Schema: time_travel; Owner: postgres
--

COMMENT ON VIEW time_travel.renamed_later IS 'public.renamed_later as of the time in bemi.as_of; made by Bemi';


--
-- Name: todo; Type: VIEW; Schema: time_travel; Owner: postgres
--

CREATE VIEW time_travel.todo AS
 SELECT k.c1 AS id,
        CASE
            WHEN ((c.fidelity IS NULL) OR (((c.fidelity -> 'after'::text) ->> 'task'::text) IS DISTINCT FROM 'unknown'::text)) THEN COALESCE(((c.exact -> 'after'::text) ->> 'task'::text), ((c.after -> 'task'::text) #>> '{}'::text[]))
            ELSE _bemi.unknown_value(5, 'task'::text)
        END AS task,
        CASE
            WHEN ((c.fidelity IS NULL) OR (((c.fidelity -> 'after'::text) ->> 'done'::text) IS DISTINCT FROM 'unknown'::text)) THEN (COALESCE(((c.exact -> 'after'::text) ->> 'done'::text), ((c.after -> 'done'::text) #>> '{}'::text[])))::boolean
            ELSE (_bemi.unknown_value(5, 'done'::text))::boolean
        END AS done,
        CASE
            WHEN ((c.fidelity IS NULL) OR (((c.fidelity -> 'after'::text) ->> 'price'::text) IS DISTINCT FROM 'unknown'::text)) THEN (COALESCE(((c.exact -> 'after'::text) ->> 'price'::text), ((c.after -> 'price'::text) #>> '{}'::text[])))::numeric(8,2)
            ELSE (_bemi.unknown_value(5, 'price'::text))::numeric(8,2)
        END AS price,
        CASE
            WHEN (ROW(c.epoch, c.commit_position, c.sequence) < ROW(1, 26252936, 2)) THEN NULL::date
            ELSE
            CASE
                WHEN ((c.fidelity IS NULL) OR (((c.fidelity -> 'after'::text) ->> 'due'::text) IS DISTINCT FROM 'unknown'::text)) THEN (COALESCE(((c.exact -> 'after'::text) ->> 'due'::text), ((c.after -> 'due'::text) #>> '{}'::text[])))::date
                ELSE (_bemi.unknown_value(5, 'due'::text))::date
            END
        END AS due
   FROM (_bemi.key_5 k
     CROSS JOIN LATERAL ( SELECT c_1.epoch,
            c_1.commit_position,
            c_1.sequence,
            c_1.effective_at,
            c_1.operation,
            c_1.after,
            c_1.exact,
            c_1.fidelity
           FROM public.changes c_1
          WHERE ((c_1.primary_key = k.primary_key) AND (c_1.effective_at <= ( SELECT _bemi.asked_time(5, 'shop'::text) AS asked_time)) AND (c_1."table" = 'todo'::text) AND (c_1.schema = 'public'::text) AND (c_1.source = 'shop'::text))
          ORDER BY c_1.effective_at DESC, c_1.commit_position DESC, c_1.sequence DESC
         LIMIT 1) c)
  WHERE (( SELECT _bemi.is_answered(5) AS is_answered) AND (c.operation <> 'DELETE'::text) AND ((c.epoch, c.commit_position, c.sequence) >= ( SELECT f.epoch,
            f.commit_position,
            f.sequence
           FROM _bemi.asked_floor(5) f(epoch, commit_position, sequence))) AND (NOT (EXISTS ( SELECT
           FROM _bemi.key_change m
          WHERE ((m.previous_key = k.primary_key) AND (m.effective_at >= c.effective_at) AND (m.effective_at <= ( SELECT _bemi.asked_time(5, 'shop'::text) AS asked_time)) AND (ROW(m.epoch, m.commit_position, m.sequence) > ROW(c.epoch, c.commit_position, c.sequence)) AND ((m."table" = 'todo'::text) AND (m.schema = 'public'::text) AND (m.source = 'shop'::text)))))));


ALTER TABLE time_travel.todo OWNER TO postgres;

--
-- Name: VIEW todo; Type: COMMENT; Schema: time_travel; Owner: postgres
--

COMMENT ON VIEW time_travel.todo IS 'public.todo as of the time in bemi.as_of; made by Bemi';


--
-- Name: customer; Type: VIEW; Schema: time_travel_app; Owner: postgres
--

CREATE VIEW time_travel_app.customer AS
 SELECT k.c1 AS id,
        CASE
            WHEN ((c.fidelity IS NULL) OR (((c.fidelity -> 'after'::text) ->> 'name'::text) IS DISTINCT FROM 'unknown'::text)) THEN COALESCE(((c.exact -> 'after'::text) ->> 'name'::text), ((c.after -> 'name'::text) #>> '{}'::text[]))
            ELSE _bemi.unknown_value(1, 'name'::text)
        END AS name,
        CASE
            WHEN ((c.fidelity IS NULL) OR (((c.fidelity -> 'after'::text) ->> 'joined'::text) IS DISTINCT FROM 'unknown'::text)) THEN (COALESCE(((c.exact -> 'after'::text) ->> 'joined'::text), ((c.after -> 'joined'::text) #>> '{}'::text[])))::timestamp with time zone
            ELSE (_bemi.unknown_value(1, 'joined'::text))::timestamp with time zone
        END AS joined
   FROM (_bemi.key_1 k
     CROSS JOIN LATERAL ( SELECT c_1.epoch,
            c_1.commit_position,
            c_1.sequence,
            c_1.effective_at,
            c_1.operation,
            c_1.after,
            c_1.exact,
            c_1.fidelity
           FROM public.changes c_1
          WHERE ((c_1.primary_key = k.primary_key) AND (c_1.effective_at <= ( SELECT _bemi.asked_time(1, 'shop'::text) AS asked_time)) AND (c_1."table" = 'customer'::text) AND (c_1.schema = 'app'::text) AND (c_1.source = 'shop'::text))
          ORDER BY c_1.effective_at DESC, c_1.commit_position DESC, c_1.sequence DESC
         LIMIT 1) c)
  WHERE (( SELECT _bemi.is_answered(1) AS is_answered) AND (c.operation <> 'DELETE'::text) AND ((c.epoch, c.commit_position, c.sequence) >= ( SELECT f.epoch,
            f.commit_position,
            f.sequence
           FROM _bemi.asked_floor(1) f(epoch, commit_position, sequence))) AND (NOT (EXISTS ( SELECT
           FROM _bemi.key_change m
          WHERE ((m.previous_key = k.primary_key) AND (m.effective_at >= c.effective_at) AND (m.effective_at <= ( SELECT _bemi.asked_time(1, 'shop'::text) AS asked_time)) AND (ROW(m.epoch, m.commit_position, m.sequence) > ROW(c.epoch, c.commit_position, c.sequence)) AND ((m."table" = 'customer'::text) AND (m.schema = 'app'::text) AND (m.source = 'shop'::text)))))));


ALTER TABLE time_travel_app.customer OWNER TO postgres;

--
-- Name: VIEW customer; Type: COMMENT; Schema: time_travel_app; Owner: postgres
--

COMMENT ON VIEW time_travel_app.customer IS 'app.customer as of the time in bemi.as_of; made by Bemi';


--
-- Name: changes_2026_11; Type: TABLE ATTACH; Schema: public; Owner: postgres
--

ALTER TABLE ONLY public.changes ATTACH PARTITION public.changes_2026_11 FOR VALUES FROM ('2026-11-01 00:00:00+00') TO ('2026-12-01 00:00:00+00');


--
-- Data for Name: access_token; Type: TABLE DATA; Schema: _bemi; Owner: postgres
--

INSERT INTO _bemi.access_token VALUES
	('admin', 'admin', '1437d27758be168a04627fd3f22be8fa31d69733bf888e48bed8f8f964043853', '2026-11-28 05:27:36.340377+00');


--
-- Data for Name: action; Type: TABLE DATA; Schema: _bemi; Owner: postgres
--

INSERT INTO _bemi.action OVERRIDING SYSTEM VALUE VALUES
	(1, '2026-11-28 05:27:40.115355+00', 'anna', 'admin', '::1', 'mark.create', 'release', '{}', 'done', '2026-11-28 05:27:40.115355+00');


--
-- Data for Name: archive; Type: TABLE DATA; Schema: _bemi; Owner: postgres
--



--
-- Data for Name: baseline_piece; Type: TABLE DATA; Schema: _bemi; Owner: postgres
--



--
-- Data for Name: coverage; Type: TABLE DATA; Schema: _bemi; Owner: postgres
--

INSERT INTO _bemi.coverage VALUES
	('shop', 1, 16409, 'public', 'event', 25920032, '2026-11-28 05:27:36.445403+00', true, 16788, '2026-11-28 05:27:36.378617+00', false, NULL),
	('shop', 1, 16402, 'public', 'line', 25920032, '2026-11-28 05:27:36.445403+00', true, 16789, '2026-11-28 05:27:36.378617+00', false, NULL),
	('shop', 1, 16395, 'app', 'customer', 25920032, '2026-11-28 05:27:36.445403+00', true, 16787, '2026-11-28 05:27:36.378617+00', false, NULL),
	('shop', 1, 16414, 'public', 'renamed_later', 25920032, '2026-11-28 05:27:36.445403+00', true, 16790, '2026-11-28 05:27:36.378617+00', false, NULL),
	('shop', 1, 16387, 'public', 'todo', 25920032, '2026-11-28 05:27:36.445403+00', true, 16791, '2026-11-28 05:27:36.378617+00', false, NULL);


--
-- Data for Name: dashboard_user; Type: TABLE DATA; Schema: _bemi; Owner: postgres
--

INSERT INTO _bemi.dashboard_user VALUES
	('anna', 'viewer', NULL, '2026-11-28 05:27:40.115355+00', '2026-11-28 05:27:40.115355+00');


--
-- Data for Name: destination; Type: TABLE DATA; Schema: _bemi; Owner: postgres
--

INSERT INTO _bemi.destination VALUES
	(true, 'public', 'month');


--
-- Data for Name: dropped_window; Type: TABLE DATA; Schema: _bemi; Owner: postgres
--



--
-- Data for Name: epoch; Type: TABLE DATA; Schema: _bemi; Owner: postgres
--

INSERT INTO _bemi.epoch VALUES
	('shop', 1, '0/18B8220', NULL, true, '2026-11-28 05:27:36.378617+00');


--
-- Data for Name: gap; Type: TABLE DATA; Schema: _bemi; Owner: postgres
--



--
-- Data for Name: key_1; Type: TABLE DATA; Schema: _bemi; Owner: postgres
--

INSERT INTO _bemi.key_1 VALUES
	('11111111-1111-1111-1111-111111111111', '11111111-1111-1111-1111-111111111111');


--
-- Data for Name: key_3; Type: TABLE DATA; Schema: _bemi; Owner: postgres
--

INSERT INTO _bemi.key_3 VALUES
	('["3", "1"]', 3, 1),
	('["3", "2"]', 3, 2),
	('["3", "9"]', 3, 9);


--
-- Data for Name: key_4; Type: TABLE DATA; Schema: _bemi; Owner: postgres
--

INSERT INTO _bemi.key_4 VALUES
	('5', 5),
	('6', 6);


--
-- Data for Name: key_5; Type: TABLE DATA; Schema: _bemi; Owner: postgres
--

INSERT INTO _bemi.key_5 VALUES
	('2', 2),
	('3', 3),
	('1', 1),
	('4', 4);


--
-- Data for Name: key_9; Type: TABLE DATA; Schema: _bemi; Owner: postgres
--

INSERT INTO _bemi.key_9 VALUES
	('6', 6),
	('5', 5);


--
-- Data for Name: key_change; Type: TABLE DATA; Schema: _bemi; Owner: postgres
--

INSERT INTO _bemi.key_change VALUES
	('shop', 'public', 'line', '["3", "2"]', 1, 26232904, 2, '2026-11-28 05:27:36.728105+00');


--
-- Data for Name: login_session; Type: TABLE DATA; Schema: _bemi; Owner: postgres
--



--
-- Data for Name: managed_source; Type: TABLE DATA; Schema: _bemi; Owner: postgres
--



--
-- Data for Name: mark; Type: TABLE DATA; Schema: _bemi; Owner: postgres
--

INSERT INTO _bemi.mark VALUES
	('shop', 'release', 1, 26409784, '2026-11-28 05:27:36.945313+00', '[]', '["public.renamed"]', false, NULL, '2026-11-28 05:27:36.948544+00', NULL, NULL, NULL);


--
-- Data for Name: migration; Type: TABLE DATA; Schema: _bemi; Owner: postgres
--

INSERT INTO _bemi.migration VALUES
	(1, '0001_changes', '2026-11-28 05:27:36.191461+00'),
	(2, '0002_time_travel', '2026-11-28 05:27:36.191461+00'),
	(3, '0003_baseline', '2026-11-28 05:27:36.191461+00'),
	(4, '0004_time_travel_views', '2026-11-28 05:27:36.191461+00'),
	(5, '0005_revert', '2026-11-28 05:27:36.191461+00'),
	(6, '0006_access', '2026-11-28 05:27:36.191461+00'),
	(7, '0007_checkpoints', '2026-11-28 05:27:36.191461+00'),
	(8, '0008_walk_back', '2026-11-28 05:27:36.191461+00'),
	(9, '0009_maintenance', '2026-11-28 05:27:36.191461+00'),
	(10, '0010_users', '2026-11-28 05:27:36.191461+00'),
	(11, '0011_managed_sources', '2026-11-28 05:27:36.191461+00'),
	(12, '0012_webhooks', '2026-11-28 05:27:36.191461+00'),
	(13, '0013_own_destinations', '2026-11-28 05:27:36.191461+00'),
	(14, '0014_saved_views', '2026-11-28 05:27:36.191461+00');


--
-- Data for Name: parked; Type: TABLE DATA; Schema: _bemi; Owner: postgres
--



--
-- Data for Name: relation_version; Type: TABLE DATA; Schema: _bemi; Owner: postgres
--

INSERT INTO _bemi.relation_version VALUES
	('shop', 1, 25920032, 16409, 'public', 'event', 'f', '[{"form": {"oid": 1184, "kind": "scalar", "name": "timestamp with time zone"}, "name": "at", "type": "timestamp with time zone", "number": 1, "type_oid": 1184, "type_modifier": -1}, {"form": {"oid": 25, "kind": "scalar", "name": "text"}, "name": "what", "type": "text", "number": 2, "type_oid": 25, "type_modifier": -1}]', '{}', '[]', false, false, 0, '2026-11-28 05:27:36.378617+00', '2026-11-28 05:27:36.492613+00'),
	('shop', 1, 25920032, 16402, 'public', 'line', 'f', '[{"form": {"oid": 23, "kind": "scalar", "name": "integer"}, "name": "todo", "type": "integer", "number": 1, "type_oid": 23, "type_modifier": -1}, {"form": {"oid": 23, "kind": "scalar", "name": "integer"}, "name": "position", "type": "integer", "number": 2, "type_oid": 23, "type_modifier": -1}, {"form": {"oid": 25, "kind": "scalar", "name": "text"}, "name": "note", "type": "text", "number": 3, "type_oid": 25, "type_modifier": -1}]', '{todo,position}', '[]', false, false, 0, '2026-11-28 05:27:36.378617+00', '2026-11-28 05:27:36.497257+00'),
	('shop', 1, 25920032, 16395, 'app', 'customer', 'f', '[{"form": {"oid": 2950, "kind": "scalar", "name": "uuid"}, "name": "id", "type": "uuid", "number": 1, "type_oid": 2950, "type_modifier": -1}, {"form": {"oid": 25, "kind": "scalar", "name": "text"}, "name": "name", "type": "text", "number": 2, "type_oid": 25, "type_modifier": -1}, {"form": {"oid": 1184, "kind": "scalar", "name": "timestamp with time zone"}, "name": "joined", "type": "timestamp with time zone", "number": 3, "type_oid": 1184, "type_modifier": -1}]', '{id}', '[]', false, false, 0, '2026-11-28 05:27:36.378617+00', '2026-11-28 05:27:36.497214+00'),
	('shop', 1, 25920032, 16414, 'public', 'renamed_later', 'f', '[{"form": {"oid": 20, "kind": "scalar", "name": "bigint"}, "name": "id", "type": "bigint", "number": 1, "type_oid": 20, "type_modifier": -1}, {"form": {"oid": 25, "kind": "scalar", "name": "text"}, "name": "label", "type": "text", "number": 2, "type_oid": 25, "type_modifier": -1}]', '{id}', '[]', false, false, 0, '2026-11-28 05:27:36.378617+00', '2026-11-28 05:27:36.501406+00'),
	('shop', 1, 25920032, 16387, 'public', 'todo', 'f', '[{"form": {"oid": 23, "kind": "scalar", "name": "integer"}, "name": "id", "type": "integer", "number": 1, "type_oid": 23, "type_modifier": -1}, {"form": {"oid": 25, "kind": "scalar", "name": "text"}, "name": "task", "type": "text", "number": 2, "type_oid": 25, "type_modifier": -1}, {"form": {"oid": 16, "kind": "scalar", "name": "boolean"}, "name": "done", "type": "boolean", "number": 3, "type_oid": 16, "type_modifier": -1}, {"form": {"oid": 1700, "kind": "scalar", "name": "numeric"}, "name": "price", "type": "numeric", "number": 4, "type_oid": 1700, "type_modifier": 524294}]', '{id}', '[]', false, false, 0, '2026-11-28 05:27:36.378617+00', '2026-11-28 05:27:36.505435+00'),
	('shop', 1, 26242168, 16414, 'public', 'renamed', 'f', '[{"form": {"oid": 20, "kind": "scalar", "name": "bigint"}, "name": "id", "type": "bigint", "number": 1, "type_oid": 20, "type_modifier": -1}, {"form": {"oid": 25, "kind": "scalar", "name": "text"}, "name": "label", "type": "text", "number": 2, "type_oid": 25, "type_modifier": -1}]', '{id}', '[]', false, false, 1, '2026-11-28 05:27:36.744781+00', '2026-11-28 05:27:36.746733+00'),
	('shop', 1, 26242168, 16414, 'public', 'renamed', 'f', '[{"form": {"oid": 20, "kind": "scalar", "name": "bigint"}, "name": "id", "type": "bigint", "number": 1, "type_oid": 20, "type_modifier": -1}, {"form": {"oid": 25, "kind": "scalar", "name": "text"}, "name": "label", "type": "text", "number": 2, "type_oid": 25, "type_modifier": -1}, {"form": {"oid": 25, "kind": "scalar", "name": "text"}, "name": "extra", "type": "text", "number": 3, "missing": "\"x\"", "type_oid": 25, "type_modifier": -1}]', '{id}', '[]', false, false, 2, '2026-11-28 05:27:36.744781+00', '2026-11-28 05:27:36.746733+00'),
	('shop', 1, 26252936, 16387, 'public', 'todo', 'f', '[{"form": {"oid": 23, "kind": "scalar", "name": "integer"}, "name": "id", "type": "integer", "number": 1, "type_oid": 23, "type_modifier": -1}, {"form": {"oid": 25, "kind": "scalar", "name": "text"}, "name": "task", "type": "text", "number": 2, "type_oid": 25, "type_modifier": -1}, {"form": {"oid": 16, "kind": "scalar", "name": "boolean"}, "name": "done", "type": "boolean", "number": 3, "type_oid": 16, "type_modifier": -1}, {"form": {"oid": 1700, "kind": "scalar", "name": "numeric"}, "name": "price", "type": "numeric", "number": 4, "type_oid": 1700, "type_modifier": 524294}, {"form": {"oid": 1082, "kind": "scalar", "name": "date"}, "name": "due", "type": "date", "number": 5, "type_oid": 1082, "type_modifier": -1}]', '{id}', '[]', false, false, 2, '2026-11-28 05:27:36.763079+00', '2026-11-28 05:27:36.769681+00');


--
-- Data for Name: saved_view; Type: TABLE DATA; Schema: _bemi; Owner: postgres
--

INSERT INTO _bemi.saved_view VALUES
	('anna', 'Mine', '/changes', false, '2026-11-28 05:27:40.115355+00');


--
-- Data for Name: source; Type: TABLE DATA; Schema: _bemi; Owner: postgres
--

INSERT INTO _bemi.source VALUES
	('shop', 'shop', 'bemi_release', 'bemi_shop', 'streaming', '7713089759451069896', 1, 1, NULL, '0/1933648', '2026-11-28 05:27:37.06142+00', '2026-11-28 05:27:37.061805+00', '2026-11-28 05:27:37.045684+00', 16, 22, 17, 0, '2026-11-28 05:27:36.372622+00', '{"pid": 15833, "host": "vm", "version": "0.1.0", "started_at": "2026-11-28T05:27:36.373118+00:00"}');


--
-- Data for Name: stage; Type: TABLE DATA; Schema: _bemi; Owner: postgres
--



--
-- Data for Name: untracked; Type: TABLE DATA; Schema: _bemi; Owner: postgres
--



--
-- Data for Name: view; Type: TABLE DATA; Schema: _bemi; Owner: postgres
--

INSERT INTO _bemi.view OVERRIDING SYSTEM VALUE VALUES
	(2, 'shop', 'public', 'event', 16409, 'time_travel', 'create view time_travel.event as select coalesce((r.exact ->> ''at''), (r."row" -> ''at'') #>> ''{}'')::timestamp with time zone as at, coalesce((r.exact ->> ''what''), (r."row" -> ''what'') #>> ''{}'')::text as what from _bemi.asked_content(2) r', '[{"form": {"oid": 1184, "kind": "scalar", "name": "timestamp with time zone"}, "name": "at", "type": "timestamp with time zone", "number": 1, "type_oid": 1184, "type_modifier": -1}, {"form": {"oid": 25, "kind": "scalar", "name": "text"}, "name": "what", "type": "text", "number": 2, "type_oid": 25, "type_modifier": -1}]', '{}', '{}', NULL, 0, 0, 0, 25920032, 1, 0, 0, 0, 1, '2026-11-28 05:27:37.06142+00', NULL),
	(1, 'shop', 'app', 'customer', 16395, 'time_travel_app', 'create view time_travel_app.customer as select k.c1 as id, case when c.fidelity is null or c.fidelity -> ''after'' ->> ''name'' is distinct from ''unknown'' then coalesce((c.exact -> ''after'' ->> ''name''), (c.after -> ''name'') #>> ''{}'')::text else _bemi.unknown_value(1, ''name'')::text end as name, case when c.fidelity is null or c.fidelity -> ''after'' ->> ''joined'' is distinct from ''unknown'' then coalesce((c.exact -> ''after'' ->> ''joined''), (c.after -> ''joined'') #>> ''{}'')::timestamp with time zone else _bemi.unknown_value(1, ''joined'')::timestamp with time zone end as joined from _bemi.key_1 k cross join lateral (select c.epoch, c.commit_position, c.sequence, c.effective_at, c.operation, c.after, c.exact, c.fidelity from "public".changes c where c.primary_key = k.primary_key and c.effective_at <= (select _bemi.asked_time(1, ''shop'')) and c."table" = ''customer'' and c.schema = ''app'' and c.source = ''shop'' order by c.effective_at desc, c.commit_position desc, c.sequence desc limit 1) c where (select _bemi.is_answered(1)) and c.operation <> ''DELETE'' and (c.epoch, c.commit_position, c.sequence) >= (select f.epoch, f.commit_position, f.sequence from _bemi.asked_floor(1) f) and not exists (select from _bemi.key_change m where m.previous_key = k.primary_key and m.effective_at >= c.effective_at and m.effective_at <= (select _bemi.asked_time(1, ''shop'')) and (m.epoch, m.commit_position, m.sequence) > (c.epoch, c.commit_position, c.sequence) and (m."table" = ''customer'' and m.schema = ''app'' and m.source = ''shop''))', '[{"form": {"oid": 2950, "kind": "scalar", "name": "uuid"}, "name": "id", "type": "uuid", "number": 1, "type_oid": 2950, "type_modifier": -1}, {"form": {"oid": 25, "kind": "scalar", "name": "text"}, "name": "name", "type": "text", "number": 2, "type_oid": 25, "type_modifier": -1}, {"form": {"oid": 1184, "kind": "scalar", "name": "timestamp with time zone"}, "name": "joined", "type": "timestamp with time zone", "number": 3, "type_oid": 1184, "type_modifier": -1}]', '{}', '{uuid}', NULL, 0, 0, 0, 25920032, 1, 0, 3, 1, 1, '2026-11-28 05:27:37.06142+00', NULL),
	(3, 'shop', 'public', 'line', 16402, 'time_travel', 'create view time_travel.line as select k.c1 as todo, k.c2 as "position", case when c.fidelity is null or c.fidelity -> ''after'' ->> ''note'' is distinct from ''unknown'' then coalesce((c.exact -> ''after'' ->> ''note''), (c.after -> ''note'') #>> ''{}'')::text else _bemi.unknown_value(3, ''note'')::text end as note from _bemi.key_3 k cross join lateral (select c.epoch, c.commit_position, c.sequence, c.effective_at, c.operation, c.after, c.exact, c.fidelity from "public".changes c where c.primary_key = k.primary_key and c.effective_at <= (select _bemi.asked_time(3, ''shop'')) and c."table" = ''line'' and c.schema = ''public'' and c.source = ''shop'' order by c.effective_at desc, c.commit_position desc, c.sequence desc limit 1) c where (select _bemi.is_answered(3)) and c.operation <> ''DELETE'' and (c.epoch, c.commit_position, c.sequence) >= (select f.epoch, f.commit_position, f.sequence from _bemi.asked_floor(3) f) and not exists (select from _bemi.key_change m where m.previous_key = k.primary_key and m.effective_at >= c.effective_at and m.effective_at <= (select _bemi.asked_time(3, ''shop'')) and (m.epoch, m.commit_position, m.sequence) > (c.epoch, c.commit_position, c.sequence) and (m."table" = ''line'' and m.schema = ''public'' and m.source = ''shop''))', '[{"form": {"oid": 23, "kind": "scalar", "name": "integer"}, "name": "todo", "type": "integer", "number": 1, "type_oid": 23, "type_modifier": -1}, {"form": {"oid": 23, "kind": "scalar", "name": "integer"}, "name": "position", "type": "integer", "number": 2, "type_oid": 23, "type_modifier": -1}, {"form": {"oid": 25, "kind": "scalar", "name": "text"}, "name": "note", "type": "text", "number": 3, "type_oid": 25, "type_modifier": -1}]', '{}', '{integer,integer}', NULL, 0, 0, 0, 25920032, 1, 0, 5, 3, 1, '2026-11-28 05:27:37.06142+00', NULL),
	(9, 'shop', 'public', 'renamed', 16414, 'time_travel', 'create view time_travel.renamed as select k.c1 as id, case when c.fidelity is null or c.fidelity -> ''after'' ->> ''label'' is distinct from ''unknown'' then coalesce((c.exact -> ''after'' ->> ''label''), (c.after -> ''label'') #>> ''{}'')::text else _bemi.unknown_value(9, ''label'')::text end as label, case when (c.epoch, c.commit_position, c.sequence) < (1, 26242168, 2) then case when (select _bemi.asked_time(9, ''shop'')) >= ''2026-11-28 05:27:36.744781+00''::timestamptz then coalesce(NULL::text, ''"x"''::jsonb #>> ''{}'')::text end else case when c.fidelity is null or c.fidelity -> ''after'' ->> ''extra'' is distinct from ''unknown'' then coalesce((c.exact -> ''after'' ->> ''extra''), (c.after -> ''extra'') #>> ''{}'')::text else _bemi.unknown_value(9, ''extra'')::text end end as extra from _bemi.key_9 k cross join lateral (select u.* from ((select c.epoch, c.commit_position, c.sequence, c.effective_at, c.operation, c.after, c.exact, c.fidelity from "public".changes c where c.primary_key = k.primary_key and c.effective_at <= (select _bemi.asked_time(9, ''shop'')) and c."table" = ''renamed_later'' and c.schema = ''public'' and c.source = ''shop'' and (c.epoch, c.commit_position, c.sequence) < (1, 26242168, 1) order by c.effective_at desc, c.commit_position desc, c.sequence desc limit 1) union all (select c.epoch, c.commit_position, c.sequence, c.effective_at, c.operation, c.after, c.exact, c.fidelity from "public".changes c where c.primary_key = k.primary_key and c.effective_at <= (select _bemi.asked_time(9, ''shop'')) and c."table" = ''renamed'' and c.schema = ''public'' and c.source = ''shop'' and (c.epoch, c.commit_position, c.sequence) >= (1, 26242168, 1) order by c.effective_at desc, c.commit_position desc, c.sequence desc limit 1)) u order by u.epoch desc, u.commit_position desc, u.sequence desc limit 1) c where (select _bemi.is_answered(9)) and c.operation <> ''DELETE'' and (c.epoch, c.commit_position, c.sequence) >= (select f.epoch, f.commit_position, f.sequence from _bemi.asked_floor(9) f) and not exists (select from _bemi.key_change m where m.previous_key = k.primary_key and m.effective_at >= c.effective_at and m.effective_at <= (select _bemi.asked_time(9, ''shop'')) and (m.epoch, m.commit_position, m.sequence) > (c.epoch, c.commit_position, c.sequence) and (m."table" = ''renamed_later'' and m.schema = ''public'' and m.source = ''shop'' and (m.epoch, m.commit_position, m.sequence) < (1, 26242168, 1) or m."table" = ''renamed'' and m.schema = ''public'' and m.source = ''shop'' and (m.epoch, m.commit_position, m.sequence) >= (1, 26242168, 1)))', '[{"form": {"oid": 20, "kind": "scalar", "name": "bigint"}, "name": "id", "type": "bigint", "number": 1, "type_oid": 20, "type_modifier": -1}, {"form": {"oid": 25, "kind": "scalar", "name": "text"}, "name": "label", "type": "text", "number": 2, "type_oid": 25, "type_modifier": -1}, {"form": {"oid": 25, "kind": "scalar", "name": "text"}, "name": "extra", "type": "text", "number": 3, "missing": "\"x\"", "type_oid": 25, "type_modifier": -1}]', '{}', '{bigint}', NULL, 0, 0, 0, 26242168, 1, 2, 2, 2, 1, '2026-11-28 05:27:37.06142+00', NULL),
	(4, 'shop', 'public', 'renamed_later', 16414, 'time_travel', 'create view time_travel.renamed_later as select k.c1 as id, case when c.fidelity is null or c.fidelity -> ''after'' ->> ''label'' is distinct from ''unknown'' then coalesce((c.exact -> ''after'' ->> ''label''), (c.after -> ''label'') #>> ''{}'')::text else _bemi.unknown_value(4, ''label'')::text end as label, case when (c.epoch, c.commit_position, c.sequence) < (1, 26242168, 2) then case when (select _bemi.asked_time(4, ''shop'')) >= ''2026-11-28 05:27:36.744781+00''::timestamptz then coalesce(NULL::text, ''"x"''::jsonb #>> ''{}'')::text end else case when c.fidelity is null or c.fidelity -> ''after'' ->> ''extra'' is distinct from ''unknown'' then coalesce((c.exact -> ''after'' ->> ''extra''), (c.after -> ''extra'') #>> ''{}'')::text else _bemi.unknown_value(4, ''extra'')::text end end as extra from _bemi.key_4 k cross join lateral (select u.* from ((select c.epoch, c.commit_position, c.sequence, c.effective_at, c.operation, c.after, c.exact, c.fidelity from "public".changes c where c.primary_key = k.primary_key and c.effective_at <= (select _bemi.asked_time(4, ''shop'')) and c."table" = ''renamed_later'' and c.schema = ''public'' and c.source = ''shop'' and (c.epoch, c.commit_position, c.sequence) < (1, 26242168, 1) order by c.effective_at desc, c.commit_position desc, c.sequence desc limit 1) union all (select c.epoch, c.commit_position, c.sequence, c.effective_at, c.operation, c.after, c.exact, c.fidelity from "public".changes c where c.primary_key = k.primary_key and c.effective_at <= (select _bemi.asked_time(4, ''shop'')) and c."table" = ''renamed'' and c.schema = ''public'' and c.source = ''shop'' and (c.epoch, c.commit_position, c.sequence) >= (1, 26242168, 1) order by c.effective_at desc, c.commit_position desc, c.sequence desc limit 1)) u order by u.epoch desc, u.commit_position desc, u.sequence desc limit 1) c where (select _bemi.is_answered(4)) and c.operation <> ''DELETE'' and (c.epoch, c.commit_position, c.sequence) >= (select f.epoch, f.commit_position, f.sequence from _bemi.asked_floor(4) f) and not exists (select from _bemi.key_change m where m.previous_key = k.primary_key and m.effective_at >= c.effective_at and m.effective_at <= (select _bemi.asked_time(4, ''shop'')) and (m.epoch, m.commit_position, m.sequence) > (c.epoch, c.commit_position, c.sequence) and (m."table" = ''renamed_later'' and m.schema = ''public'' and m.source = ''shop'' and (m.epoch, m.commit_position, m.sequence) < (1, 26242168, 1) or m."table" = ''renamed'' and m.schema = ''public'' and m.source = ''shop'' and (m.epoch, m.commit_position, m.sequence) >= (1, 26242168, 1)))', '[{"form": {"oid": 20, "kind": "scalar", "name": "bigint"}, "name": "id", "type": "bigint", "number": 1, "type_oid": 20, "type_modifier": -1}, {"form": {"oid": 25, "kind": "scalar", "name": "text"}, "name": "label", "type": "text", "number": 2, "type_oid": 25, "type_modifier": -1}, {"form": {"oid": 25, "kind": "scalar", "name": "text"}, "name": "extra", "type": "text", "number": 3, "missing": "\"x\"", "type_oid": 25, "type_modifier": -1}]', '{}', '{bigint}', NULL, 0, 0, 0, 26242168, 1, 2, 3, 2, 1, '2026-11-28 05:27:37.06142+00', NULL),
	(5, 'shop', 'public', 'todo', 16387, 'time_travel', 'create view time_travel.todo as select k.c1 as id, case when c.fidelity is null or c.fidelity -> ''after'' ->> ''task'' is distinct from ''unknown'' then coalesce((c.exact -> ''after'' ->> ''task''), (c.after -> ''task'') #>> ''{}'')::text else _bemi.unknown_value(5, ''task'')::text end as task, case when c.fidelity is null or c.fidelity -> ''after'' ->> ''done'' is distinct from ''unknown'' then coalesce((c.exact -> ''after'' ->> ''done''), (c.after -> ''done'') #>> ''{}'')::boolean else _bemi.unknown_value(5, ''done'')::boolean end as done, case when c.fidelity is null or c.fidelity -> ''after'' ->> ''price'' is distinct from ''unknown'' then coalesce((c.exact -> ''after'' ->> ''price''), (c.after -> ''price'') #>> ''{}'')::numeric(8,2) else _bemi.unknown_value(5, ''price'')::numeric(8,2) end as price, case when (c.epoch, c.commit_position, c.sequence) < (1, 26252936, 2) then null::date else case when c.fidelity is null or c.fidelity -> ''after'' ->> ''due'' is distinct from ''unknown'' then coalesce((c.exact -> ''after'' ->> ''due''), (c.after -> ''due'') #>> ''{}'')::date else _bemi.unknown_value(5, ''due'')::date end end as due from _bemi.key_5 k cross join lateral (select c.epoch, c.commit_position, c.sequence, c.effective_at, c.operation, c.after, c.exact, c.fidelity from "public".changes c where c.primary_key = k.primary_key and c.effective_at <= (select _bemi.asked_time(5, ''shop'')) and c."table" = ''todo'' and c.schema = ''public'' and c.source = ''shop'' order by c.effective_at desc, c.commit_position desc, c.sequence desc limit 1) c where (select _bemi.is_answered(5)) and c.operation <> ''DELETE'' and (c.epoch, c.commit_position, c.sequence) >= (select f.epoch, f.commit_position, f.sequence from _bemi.asked_floor(5) f) and not exists (select from _bemi.key_change m where m.previous_key = k.primary_key and m.effective_at >= c.effective_at and m.effective_at <= (select _bemi.asked_time(5, ''shop'')) and (m.epoch, m.commit_position, m.sequence) > (c.epoch, c.commit_position, c.sequence) and (m."table" = ''todo'' and m.schema = ''public'' and m.source = ''shop''))', '[{"form": {"oid": 23, "kind": "scalar", "name": "integer"}, "name": "id", "type": "integer", "number": 1, "type_oid": 23, "type_modifier": -1}, {"form": {"oid": 25, "kind": "scalar", "name": "text"}, "name": "task", "type": "text", "number": 2, "type_oid": 25, "type_modifier": -1}, {"form": {"oid": 16, "kind": "scalar", "name": "boolean"}, "name": "done", "type": "boolean", "number": 3, "type_oid": 16, "type_modifier": -1}, {"form": {"oid": 1700, "kind": "scalar", "name": "numeric"}, "name": "price", "type": "numeric", "number": 4, "type_oid": 1700, "type_modifier": 524294}, {"form": {"oid": 1082, "kind": "scalar", "name": "date"}, "name": "due", "type": "date", "number": 5, "type_oid": 1082, "type_modifier": -1}]', '{}', '{integer}', NULL, 0, 0, 0, 26252936, 1, 2, 10, 4, 1, '2026-11-28 05:27:37.06142+00', NULL);


--
-- Data for Name: view_source; Type: TABLE DATA; Schema: _bemi; Owner: postgres
--

INSERT INTO _bemi.view_source VALUES
	('shop', '2026-11-28 05:27:37.06142+00', 8);


--
-- Data for Name: webhook; Type: TABLE DATA; Schema: _bemi; Owner: postgres
--



--
-- Data for Name: changes_2026_11; Type: TABLE DATA; Schema: public; Owner: postgres
--

INSERT INTO public.changes_2026_11 VALUES
	('01a2209f-8aba-86f6-b5bf-00bed9dc02bf', 'shop', 'shop', 'public', 'todo', '1', 'SNAPSHOT', '{}', '{"id": 1, "done": false, "task": "before", "price": 1.50}', '{}', '2026-11-28 05:27:36.378617+00', '2026-11-28 05:27:36.378617+00', '2026-11-28 05:27:36.483438+00', '2026-11-28 05:27:36.502112+00', 752, 25920032, 1, 25920032, 0, NULL, NULL),
	('01a2209f-8aba-888e-807a-be7d2f1bd9d4', 'shop', 'shop', 'public', 'todo', '2', 'SNAPSHOT', '{}', '{"id": 2, "done": true, "task": "also before", "price": null}', '{}', '2026-11-28 05:27:36.378617+00', '2026-11-28 05:27:36.378617+00', '2026-11-28 05:27:36.483438+00', '2026-11-28 05:27:36.502681+00', 752, 25920032, 1, 25920032, 1, NULL, NULL),
	('01a2209f-8b57-8686-8586-cf97a321c689', 'shop', 'shop', 'public', 'todo', '3', 'CREATE', '{}', '{"id": 3, "done": false, "task": "third", "price": 10.00}', '{"user_id": 7, "endpoint": "/todo"}', '2026-11-28 05:27:36.535748+00', '2026-11-28 05:27:36.535748+00', '2026-11-28 05:27:36.538418+00', '2026-11-28 05:27:36.549666+00', 763, 26005312, 1, 26005864, 0, NULL, NULL),
	('01a2209f-8b57-8b1b-b445-d54b4685cbc0', 'shop', 'shop', 'public', 'line', '["3", "1"]', 'CREATE', '{}', '{"note": "a", "todo": 3, "position": 1}', '{"user_id": 7, "endpoint": "/todo"}', '2026-11-28 05:27:36.535748+00', '2026-11-28 05:27:36.535748+00', '2026-11-28 05:27:36.538418+00', '2026-11-28 05:27:36.549885+00', 763, 26005448, 1, 26005864, 1, NULL, NULL),
	('01a2209f-8b57-8c28-b0bc-25530d7010c0', 'shop', 'shop', 'public', 'line', '["3", "2"]', 'CREATE', '{}', '{"note": "b", "todo": 3, "position": 2}', '{"user_id": 7, "endpoint": "/todo"}', '2026-11-28 05:27:36.535748+00', '2026-11-28 05:27:36.535748+00', '2026-11-28 05:27:36.538418+00', '2026-11-28 05:27:36.549898+00', 763, 26005680, 1, 26005864, 2, NULL, NULL),
	('01a2209f-8b64-8e8a-8746-cbcca3b984f6', 'shop', 'shop', 'app', 'customer', '11111111-1111-1111-1111-111111111111', 'CREATE', '{}', '{"id": "11111111-1111-1111-1111-111111111111", "name": "Anna", "joined": "2026-01-02T03:04:05+00:00"}', '{"user_id": 8}', '2026-11-28 05:27:36.548597+00', '2026-11-28 05:27:36.548597+00', '2026-11-28 05:27:36.548968+00', '2026-11-28 05:27:36.55882+00', 766, 26006960, 1, 26007496, 0, NULL, NULL),
	('01a2209f-8b64-89c2-a92a-da37cc72e93b', 'shop', 'shop', 'public', 'renamed_later', '5', 'CREATE', '{}', '{"id": 5, "label": "five"}', '{"user_id": 8}', '2026-11-28 05:27:36.548597+00', '2026-11-28 05:27:36.548597+00', '2026-11-28 05:27:36.548968+00', '2026-11-28 05:27:36.558877+00', 766, 26007216, 1, 26007496, 1, NULL, NULL),
	('01a2209f-8bf0-8a8d-89eb-7735e146b6c0', 'shop', 'shop', 'public', 'event', NULL, 'CREATE', '{}', '{"at": "2026-11-28T05:27:36.68852+00:00", "what": "tick"}', '{}', '2026-11-28 05:27:36.688997+00', '2026-11-28 05:27:36.688997+00', '2026-11-28 05:27:36.689527+00', '2026-11-28 05:27:36.691141+00', 787, 26221576, 1, 26221696, 0, NULL, NULL),
	('01a2209f-8c18-831d-afdf-ae4821d4a18f', 'shop', 'shop', 'public', 'todo', '1', 'UPDATE', '{"id": 1, "done": false, "task": "before", "price": 1.50}', '{"id": 1, "done": true, "task": "before", "price": 12.25}', '{"user_id": 7}', '2026-11-28 05:27:36.728105+00', '2026-11-28 05:27:36.728105+00', '2026-11-28 05:27:36.728455+00', '2026-11-28 05:27:36.729337+00', 797, 26232504, 1, 26232904, 0, NULL, NULL),
	('01a2209f-8c18-88ab-8415-e58b798f3ba0', 'shop', 'shop', 'public', 'todo', '2', 'DELETE', '{"id": 2, "done": true, "task": "also before", "price": null}', '{}', '{"user_id": 7}', '2026-11-28 05:27:36.728105+00', '2026-11-28 05:27:36.728105+00', '2026-11-28 05:27:36.728455+00', '2026-11-28 05:27:36.729407+00', 797, 26232616, 1, 26232904, 1, NULL, NULL),
	('01a2209f-8c18-839b-ba9e-b2e131ab2c60', 'shop', 'shop', 'public', 'line', '["3", "9"]', 'UPDATE', '{"note": "b", "todo": 3, "position": 2}', '{"note": "b", "todo": 3, "position": 9}', '{"user_id": 7}', '2026-11-28 05:27:36.728105+00', '2026-11-28 05:27:36.728105+00', '2026-11-28 05:27:36.728455+00', '2026-11-28 05:27:36.72942+00', 797, 26232696, 1, 26232904, 2, NULL, NULL),
	('01a2209f-8c28-8edb-a81d-554802b1bbb9', 'shop', 'shop', 'app', 'customer', '11111111-1111-1111-1111-111111111111', 'UPDATE', '{"id": "11111111-1111-1111-1111-111111111111", "name": "Anna", "joined": "2026-01-02T03:04:05+00:00"}', '{"id": "11111111-1111-1111-1111-111111111111", "name": "Bea", "joined": "2026-01-02T03:04:05+00:00"}', '{"user_id": 9}', '2026-11-28 05:27:36.744781+00', '2026-11-28 05:27:36.744781+00', '2026-11-28 05:27:36.745411+00', '2026-11-28 05:27:36.746993+00', 799, 26236120, 1, 26242168, 0, NULL, NULL),
	('01a2209f-8c28-82e5-bc8e-95d75b64c3d2', 'shop', 'shop', 'public', 'renamed', NULL, 'SCHEMA', '{"table": "renamed_later", "schema": "public", "columns": [{"name": "id", "type": "bigint"}, {"name": "label", "type": "text"}], "primary_key": ["id"]}', '{"sql": "begin;select pg_logical_emit_message(true, ''_bemi'', ''{\"user_id\": 9}'');update app.customer set name = ''Bea''; alter table renamed_later rename to renamed; alter table renamed add column extra text default ''x''; commit", "table": "renamed", "schema": "public", "columns": [{"name": "id", "type": "bigint"}, {"name": "label", "type": "text"}], "command": "ALTER TABLE", "primary_key": ["id"]}', '{"user_id": 9}', '2026-11-28 05:27:36.744781+00', '2026-11-28 05:27:36.744781+00', '2026-11-28 05:27:36.745411+00', '2026-11-28 05:27:36.747076+00', 799, 26238568, 1, 26242168, 1, NULL, NULL),
	('01a2209f-8c28-8217-b5eb-8af81757885b', 'shop', 'shop', 'public', 'renamed', NULL, 'SCHEMA', '{"table": "renamed", "schema": "public", "columns": [{"name": "id", "type": "bigint"}, {"name": "label", "type": "text"}], "primary_key": ["id"]}', '{"sql": "begin;select pg_logical_emit_message(true, ''_bemi'', ''{\"user_id\": 9}'');update app.customer set name = ''Bea''; alter table renamed_later rename to renamed; alter table renamed add column extra text default ''x''; commit", "table": "renamed", "schema": "public", "columns": [{"name": "id", "type": "bigint"}, {"name": "label", "type": "text"}, {"name": "extra", "type": "text"}], "command": "ALTER TABLE", "primary_key": ["id"]}', '{"user_id": 9}', '2026-11-28 05:27:36.744781+00', '2026-11-28 05:27:36.744781+00', '2026-11-28 05:27:36.745411+00', '2026-11-28 05:27:36.747188+00', 799, 26241736, 1, 26242168, 2, NULL, NULL),
	('01a2209f-8c3b-8307-9aff-05b696310f8b', 'shop', 'shop', 'public', 'renamed', '6', 'CREATE', '{}', '{"id": 6, "extra": "y", "label": "six"}', '{"user_id": 9}', '2026-11-28 05:27:36.763079+00', '2026-11-28 05:27:36.763079+00', '2026-11-28 05:27:36.763649+00', '2026-11-28 05:27:36.770495+00', 805, 26248072, 1, 26252936, 0, NULL, NULL),
	('01a2209f-8c3b-8879-9da4-8ab1b6fad3ae', 'shop', 'shop', 'public', 'event', NULL, 'TRUNCATE', '{}', '{}', '{"user_id": 9}', '2026-11-28 05:27:36.763079+00', '2026-11-28 05:27:36.763079+00', '2026-11-28 05:27:36.763649+00', '2026-11-28 05:27:36.770564+00', 805, 26250304, 1, 26252936, 1, NULL, NULL),
	('01a2209f-8c3b-8cba-b007-a66ae8a1570b', 'shop', 'shop', 'public', 'todo', NULL, 'SCHEMA', '{"table": "todo", "schema": "public", "columns": [{"name": "id", "type": "integer"}, {"name": "task", "type": "text"}, {"name": "done", "type": "boolean"}, {"name": "price", "type": "numeric(8,2)"}], "primary_key": ["id"]}', '{"sql": "begin;select pg_logical_emit_message(true, ''_bemi'', ''{\"user_id\": 9}'');insert into renamed values (6, ''six'', ''y''); truncate event; alter table todo add column due date; update todo set due = ''2027-01-01'' where id = 3; commit", "table": "todo", "schema": "public", "columns": [{"name": "id", "type": "integer"}, {"name": "task", "type": "text"}, {"name": "done", "type": "boolean"}, {"name": "price", "type": "numeric(8,2)"}, {"name": "due", "type": "date"}], "command": "ALTER TABLE", "primary_key": ["id"]}', '{"user_id": 9}', '2026-11-28 05:27:36.763079+00', '2026-11-28 05:27:36.763079+00', '2026-11-28 05:27:36.763649+00', '2026-11-28 05:27:36.770704+00', 805, 26252456, 1, 26252936, 2, NULL, NULL),
	('01a2209f-8c3b-837f-96d4-37f229617aa4', 'shop', 'shop', 'public', 'todo', '3', 'UPDATE', '{"id": 3, "due": null, "done": false, "task": "third", "price": 10.00}', '{"id": 3, "due": "2027-01-01", "done": false, "task": "third", "price": 10.00}', '{"user_id": 9}', '2026-11-28 05:27:36.763079+00', '2026-11-28 05:27:36.763079+00', '2026-11-28 05:27:36.763649+00', '2026-11-28 05:27:36.770731+00', 805, 26252456, 1, 26252936, 3, NULL, NULL),
	('01a2209f-8cc2-8a06-84bb-ee7306973aca', 'shop', 'shop', 'public', 'event', NULL, 'CREATE', '{}', '{"at": "2026-11-28T05:27:36.898063+00:00", "what": "tick"}', '{}', '2026-11-28 05:27:36.898617+00', '2026-11-28 05:27:36.898617+00', '2026-11-28 05:27:36.898985+00', '2026-11-28 05:27:36.900616+00', 821, 26397152, 1, 26397272, 0, NULL, NULL),
	('01a2209f-8cfb-88fe-88e7-92629ebdc248', 'shop', 'shop', 'public', 'todo', '1', 'UPDATE', '{"id": 1, "due": null, "done": true, "task": "before", "price": 12.25}', '{"id": 1, "due": null, "done": true, "task": "changed", "price": 12.25}', '{"user_id": 7, "request_id": "r9"}', '2026-11-28 05:27:36.955057+00', '2026-11-28 05:27:36.955057+00', '2026-11-28 05:27:36.955372+00', '2026-11-28 05:27:36.956793+00', 835, 26410664, 1, 26410960, 0, NULL, NULL),
	('01a2209f-8cfb-8199-bcbb-59add1c67616', 'shop', 'shop', 'public', 'todo', '4', 'CREATE', '{}', '{"id": 4, "due": null, "done": false, "task": "fourth", "price": 0.00}', '{"user_id": 7, "request_id": "r9"}', '2026-11-28 05:27:36.955057+00', '2026-11-28 05:27:36.955057+00', '2026-11-28 05:27:36.955372+00', '2026-11-28 05:27:36.956908+00', 835, 26410776, 1, 26410960, 1, NULL, NULL),
	('01a2209f-8d55-8c27-ac91-d246309eaee6', 'shop', 'shop', 'public', 'event', NULL, 'CREATE', '{}', '{"at": "2026-11-28T05:27:37.04531+00:00", "what": "tick"}', '{}', '2026-11-28 05:27:37.045684+00', '2026-11-28 05:27:37.045684+00', '2026-11-28 05:27:37.045946+00', '2026-11-28 05:27:37.046334+00', 846, 26423616, 1, 26423736, 0, NULL, NULL);


--
-- Name: action_id_seq; Type: SEQUENCE SET; Schema: _bemi; Owner: postgres
--

SELECT pg_catalog.setval('_bemi.action_id_seq', 1, true);


--
-- Name: gap_id_seq; Type: SEQUENCE SET; Schema: _bemi; Owner: postgres
--

SELECT pg_catalog.setval('_bemi.gap_id_seq', 1, false);


--
-- Name: parked_id_seq; Type: SEQUENCE SET; Schema: _bemi; Owner: postgres
--

SELECT pg_catalog.setval('_bemi.parked_id_seq', 1, false);


--
-- Name: view_id_seq; Type: SEQUENCE SET; Schema: _bemi; Owner: postgres
--

SELECT pg_catalog.setval('_bemi.view_id_seq', 17, true);


--
-- Name: access_token access_token_hash_key; Type: CONSTRAINT; Schema: _bemi; Owner: postgres
--

ALTER TABLE ONLY _bemi.access_token
    ADD CONSTRAINT access_token_hash_key UNIQUE (hash);


--
-- Name: access_token access_token_pkey; Type: CONSTRAINT; Schema: _bemi; Owner: postgres
--

ALTER TABLE ONLY _bemi.access_token
    ADD CONSTRAINT access_token_pkey PRIMARY KEY (name);


--
-- Name: action action_pkey; Type: CONSTRAINT; Schema: _bemi; Owner: postgres
--

ALTER TABLE ONLY _bemi.action
    ADD CONSTRAINT action_pkey PRIMARY KEY (id);


--
-- Name: archive archive_pkey; Type: CONSTRAINT; Schema: _bemi; Owner: postgres
--

ALTER TABLE ONLY _bemi.archive
    ADD CONSTRAINT archive_pkey PRIMARY KEY ("window");


--
-- Name: baseline_piece baseline_piece_pkey; Type: CONSTRAINT; Schema: _bemi; Owner: postgres
--

ALTER TABLE ONLY _bemi.baseline_piece
    ADD CONSTRAINT baseline_piece_pkey PRIMARY KEY (source, epoch, relation, leaf, file, first_block);


--
-- Name: coverage coverage_pkey; Type: CONSTRAINT; Schema: _bemi; Owner: postgres
--

ALTER TABLE ONLY _bemi.coverage
    ADD CONSTRAINT coverage_pkey PRIMARY KEY (source, epoch, relation, schema, "table", "position");


--
-- Name: dashboard_user dashboard_user_pkey; Type: CONSTRAINT; Schema: _bemi; Owner: postgres
--

ALTER TABLE ONLY _bemi.dashboard_user
    ADD CONSTRAINT dashboard_user_pkey PRIMARY KEY (name);


--
-- Name: destination destination_pkey; Type: CONSTRAINT; Schema: _bemi; Owner: postgres
--

ALTER TABLE ONLY _bemi.destination
    ADD CONSTRAINT destination_pkey PRIMARY KEY (only_row);


--
-- Name: dropped_window dropped_window_pkey; Type: CONSTRAINT; Schema: _bemi; Owner: postgres
--

ALTER TABLE ONLY _bemi.dropped_window
    ADD CONSTRAINT dropped_window_pkey PRIMARY KEY ("window");


--
-- Name: epoch epoch_pkey; Type: CONSTRAINT; Schema: _bemi; Owner: postgres
--

ALTER TABLE ONLY _bemi.epoch
    ADD CONSTRAINT epoch_pkey PRIMARY KEY (source, epoch);


--
-- Name: gap gap_pkey; Type: CONSTRAINT; Schema: _bemi; Owner: postgres
--

ALTER TABLE ONLY _bemi.gap
    ADD CONSTRAINT gap_pkey PRIMARY KEY (id);


--
-- Name: key_1 key_1_pkey; Type: CONSTRAINT; Schema: _bemi; Owner: postgres
--

ALTER TABLE ONLY _bemi.key_1
    ADD CONSTRAINT key_1_pkey PRIMARY KEY (primary_key);


--
-- Name: key_3 key_3_pkey; Type: CONSTRAINT; Schema: _bemi; Owner: postgres
--

ALTER TABLE ONLY _bemi.key_3
    ADD CONSTRAINT key_3_pkey PRIMARY KEY (primary_key);


--
-- Name: key_4 key_4_pkey; Type: CONSTRAINT; Schema: _bemi; Owner: postgres
--

ALTER TABLE ONLY _bemi.key_4
    ADD CONSTRAINT key_4_pkey PRIMARY KEY (primary_key);


--
-- Name: key_5 key_5_pkey; Type: CONSTRAINT; Schema: _bemi; Owner: postgres
--

ALTER TABLE ONLY _bemi.key_5
    ADD CONSTRAINT key_5_pkey PRIMARY KEY (primary_key);


--
-- Name: key_9 key_9_pkey; Type: CONSTRAINT; Schema: _bemi; Owner: postgres
--

ALTER TABLE ONLY _bemi.key_9
    ADD CONSTRAINT key_9_pkey PRIMARY KEY (primary_key);


--
-- Name: key_change key_change_pkey; Type: CONSTRAINT; Schema: _bemi; Owner: postgres
--

ALTER TABLE ONLY _bemi.key_change
    ADD CONSTRAINT key_change_pkey PRIMARY KEY ("table", previous_key, effective_at, epoch, commit_position, sequence, source, schema);


--
-- Name: login_session login_session_pkey; Type: CONSTRAINT; Schema: _bemi; Owner: postgres
--

ALTER TABLE ONLY _bemi.login_session
    ADD CONSTRAINT login_session_pkey PRIMARY KEY (hash);


--
-- Name: managed_source managed_source_pkey; Type: CONSTRAINT; Schema: _bemi; Owner: postgres
--

ALTER TABLE ONLY _bemi.managed_source
    ADD CONSTRAINT managed_source_pkey PRIMARY KEY (name);


--
-- Name: mark mark_pkey; Type: CONSTRAINT; Schema: _bemi; Owner: postgres
--

ALTER TABLE ONLY _bemi.mark
    ADD CONSTRAINT mark_pkey PRIMARY KEY (source, name);


--
-- Name: migration migration_pkey; Type: CONSTRAINT; Schema: _bemi; Owner: postgres
--

ALTER TABLE ONLY _bemi.migration
    ADD CONSTRAINT migration_pkey PRIMARY KEY (version);


--
-- Name: parked parked_pkey; Type: CONSTRAINT; Schema: _bemi; Owner: postgres
--

ALTER TABLE ONLY _bemi.parked
    ADD CONSTRAINT parked_pkey PRIMARY KEY (id);


--
-- Name: relation_version relation_version_pkey; Type: CONSTRAINT; Schema: _bemi; Owner: postgres
--

ALTER TABLE ONLY _bemi.relation_version
    ADD CONSTRAINT relation_version_pkey PRIMARY KEY (source, relation, epoch, "position", sequence);


--
-- Name: saved_view saved_view_pkey; Type: CONSTRAINT; Schema: _bemi; Owner: postgres
--

ALTER TABLE ONLY _bemi.saved_view
    ADD CONSTRAINT saved_view_pkey PRIMARY KEY (owner, name);


--
-- Name: source source_pkey; Type: CONSTRAINT; Schema: _bemi; Owner: postgres
--

ALTER TABLE ONLY _bemi.source
    ADD CONSTRAINT source_pkey PRIMARY KEY (name);


--
-- Name: stage stage_pkey; Type: CONSTRAINT; Schema: _bemi; Owner: postgres
--

ALTER TABLE ONLY _bemi.stage
    ADD CONSTRAINT stage_pkey PRIMARY KEY (source, stage);


--
-- Name: untracked untracked_pkey; Type: CONSTRAINT; Schema: _bemi; Owner: postgres
--

ALTER TABLE ONLY _bemi.untracked
    ADD CONSTRAINT untracked_pkey PRIMARY KEY (source, schema, "table");


--
-- Name: view view_pkey; Type: CONSTRAINT; Schema: _bemi; Owner: postgres
--

ALTER TABLE ONLY _bemi.view
    ADD CONSTRAINT view_pkey PRIMARY KEY (id);


--
-- Name: view_source view_source_pkey; Type: CONSTRAINT; Schema: _bemi; Owner: postgres
--

ALTER TABLE ONLY _bemi.view_source
    ADD CONSTRAINT view_source_pkey PRIMARY KEY (source);


--
-- Name: view view_source_schema_table_key; Type: CONSTRAINT; Schema: _bemi; Owner: postgres
--

ALTER TABLE ONLY _bemi.view
    ADD CONSTRAINT view_source_schema_table_key UNIQUE (source, schema, "table");


--
-- Name: webhook webhook_pkey; Type: CONSTRAINT; Schema: _bemi; Owner: postgres
--

ALTER TABLE ONLY _bemi.webhook
    ADD CONSTRAINT webhook_pkey PRIMARY KEY (name);


--
-- Name: changes changes_pkey; Type: CONSTRAINT; Schema: public; Owner: postgres
--

ALTER TABLE ONLY public.changes
    ADD CONSTRAINT changes_pkey PRIMARY KEY (id, effective_at);


--
-- Name: changes_2026_11 changes_2026_11_pkey; Type: CONSTRAINT; Schema: public; Owner: postgres
--

ALTER TABLE ONLY public.changes_2026_11
    ADD CONSTRAINT changes_2026_11_pkey PRIMARY KEY (id, effective_at);


--
-- Name: gap_open; Type: INDEX; Schema: _bemi; Owner: postgres
--

CREATE UNIQUE INDEX gap_open ON _bemi.gap USING btree (source, epoch, reason) WHERE (accepted_at IS NULL);


--
-- Name: key_1_c1_primary_key_idx; Type: INDEX; Schema: _bemi; Owner: postgres
--

CREATE INDEX key_1_c1_primary_key_idx ON _bemi.key_1 USING btree (c1) INCLUDE (primary_key);


--
-- Name: key_3_c1_c2_primary_key_idx; Type: INDEX; Schema: _bemi; Owner: postgres
--

CREATE INDEX key_3_c1_c2_primary_key_idx ON _bemi.key_3 USING btree (c1, c2) INCLUDE (primary_key);


--
-- Name: key_4_c1_primary_key_idx; Type: INDEX; Schema: _bemi; Owner: postgres
--

CREATE INDEX key_4_c1_primary_key_idx ON _bemi.key_4 USING btree (c1) INCLUDE (primary_key);


--
-- Name: key_5_c1_primary_key_idx; Type: INDEX; Schema: _bemi; Owner: postgres
--

CREATE INDEX key_5_c1_primary_key_idx ON _bemi.key_5 USING btree (c1) INCLUDE (primary_key);


--
-- Name: key_9_c1_primary_key_idx; Type: INDEX; Schema: _bemi; Owner: postgres
--

CREATE INDEX key_9_c1_primary_key_idx ON _bemi.key_9 USING btree (c1) INCLUDE (primary_key);


--
-- Name: key_change_time; Type: INDEX; Schema: _bemi; Owner: postgres
--

CREATE INDEX key_change_time ON _bemi.key_change USING btree (effective_at, commit_position, sequence);


--
-- Name: relation_version_name; Type: INDEX; Schema: _bemi; Owner: postgres
--

CREATE INDEX relation_version_name ON _bemi.relation_version USING btree (schema, "table");


--
-- Name: changes_context; Type: INDEX; Schema: public; Owner: postgres
--

CREATE INDEX changes_context ON ONLY public.changes USING gin (context jsonb_path_ops);


--
-- Name: changes_2026_11_context_idx; Type: INDEX; Schema: public; Owner: postgres
--

CREATE INDEX changes_2026_11_context_idx ON public.changes_2026_11 USING gin (context jsonb_path_ops);


--
-- Name: changes_time; Type: INDEX; Schema: public; Owner: postgres
--

CREATE INDEX changes_time ON ONLY public.changes USING btree (effective_at, commit_position, sequence);


--
-- Name: changes_2026_11_effective_at_commit_position_sequence_idx; Type: INDEX; Schema: public; Owner: postgres
--

CREATE INDEX changes_2026_11_effective_at_commit_position_sequence_idx ON public.changes_2026_11 USING btree (effective_at, commit_position, sequence);


--
-- Name: changes_truncate; Type: INDEX; Schema: public; Owner: postgres
--

CREATE INDEX changes_truncate ON ONLY public.changes USING btree ("table", effective_at) WHERE (operation = 'TRUNCATE'::text);


--
-- Name: changes_2026_11_table_effective_at_idx; Type: INDEX; Schema: public; Owner: postgres
--

CREATE INDEX changes_2026_11_table_effective_at_idx ON public.changes_2026_11 USING btree ("table", effective_at) WHERE (operation = 'TRUNCATE'::text);


--
-- Name: changes_schema; Type: INDEX; Schema: public; Owner: postgres
--

CREATE INDEX changes_schema ON ONLY public.changes USING btree ("table", effective_at) WHERE (operation = 'SCHEMA'::text);


--
-- Name: changes_2026_11_table_effective_at_idx1; Type: INDEX; Schema: public; Owner: postgres
--

CREATE INDEX changes_2026_11_table_effective_at_idx1 ON public.changes_2026_11 USING btree ("table", effective_at) WHERE (operation = 'SCHEMA'::text);


--
-- Name: changes_record; Type: INDEX; Schema: public; Owner: postgres
--

CREATE INDEX changes_record ON ONLY public.changes USING btree ("table", primary_key, effective_at, commit_position, sequence);


--
-- Name: changes_2026_11_table_primary_key_effective_at_commit_posit_idx; Type: INDEX; Schema: public; Owner: postgres
--

CREATE INDEX changes_2026_11_table_primary_key_effective_at_commit_posit_idx ON public.changes_2026_11 USING btree ("table", primary_key, effective_at, commit_position, sequence);


--
-- Name: changes_2026_11_context_idx; Type: INDEX ATTACH; Schema: public; Owner: postgres
--

ALTER INDEX public.changes_context ATTACH PARTITION public.changes_2026_11_context_idx;


--
-- Name: changes_2026_11_effective_at_commit_position_sequence_idx; Type: INDEX ATTACH; Schema: public; Owner: postgres
--

ALTER INDEX public.changes_time ATTACH PARTITION public.changes_2026_11_effective_at_commit_position_sequence_idx;


--
-- Name: changes_2026_11_pkey; Type: INDEX ATTACH; Schema: public; Owner: postgres
--

ALTER INDEX public.changes_pkey ATTACH PARTITION public.changes_2026_11_pkey;


--
-- Name: changes_2026_11_table_effective_at_idx; Type: INDEX ATTACH; Schema: public; Owner: postgres
--

ALTER INDEX public.changes_truncate ATTACH PARTITION public.changes_2026_11_table_effective_at_idx;


--
-- Name: changes_2026_11_table_effective_at_idx1; Type: INDEX ATTACH; Schema: public; Owner: postgres
--

ALTER INDEX public.changes_schema ATTACH PARTITION public.changes_2026_11_table_effective_at_idx1;


--
-- Name: changes_2026_11_table_primary_key_effective_at_commit_posit_idx; Type: INDEX ATTACH; Schema: public; Owner: postgres
--

ALTER INDEX public.changes_record ATTACH PARTITION public.changes_2026_11_table_primary_key_effective_at_commit_posit_idx;


--
-- Name: SCHEMA public; Type: ACL; Schema: -; Owner: postgres
--

REVOKE USAGE ON SCHEMA public FROM PUBLIC;
GRANT ALL ON SCHEMA public TO PUBLIC;


--
-- PostgreSQL database dump complete
--

\unrestrict 3EVtLhMApnGDlZS3mqkDhQo5H0qAKONFI2NYqa7bdt6H7E0BZYjY54zTx3iWVQf

