-- What is needed to answer for the past: since when each table is known whole, where a row changed
-- its key, and the functions in schema `bemi`. Owned by Bemi's writer role; they run with the rights
-- of who asks.

-- Positions rise within an epoch. Nothing is known of what happened between previous_until and the
-- epoch's baseline.
create table _bemi.epoch (
  source text not null,
  epoch int not null,
  consistent_point pg_lsn not null,
  previous_until timestamptz,
  baseline boolean not null,
  began_at timestamptz not null,
  primary key (source, epoch)
);

-- Since when a table is in the history; `whole`: with the rows that it had then. The newest row up to a time
-- says what is known at that time: rows can come and go without a word (a partition that is attached or
-- dropped), until a new baseline is taken.
create table _bemi.coverage (
  source text not null,
  epoch int not null,
  relation bigint not null,
  schema text not null,
  "table" text not null,
  position bigint not null,
  since timestamptz not null,
  whole boolean not null,
  membership bigint,  -- in the publication: one that was taken out and put back has another
  rows_at timestamptz,  -- where a baseline's rows stand in time
  checkpoint boolean not null default false,  -- rows of one moment that were written from the history itself
  changes_before bigint,  -- about how many changes the table had until then; of a checkpoint
  primary key (source, epoch, relation, schema, "table", position)
);
create index relation_version_name on _bemi.relation_version (schema, "table");

-- A row that had one key and has another since.
create table _bemi.key_change (
  source text not null,
  schema text not null,
  "table" text not null,
  previous_key text not null,
  epoch int not null,
  commit_position bigint not null,
  sequence bigint not null,
  effective_at timestamptz not null,
  primary key ("table", previous_key, effective_at, epoch, commit_position, sequence, source, schema)
);
-- From a change to the key that its row had before.
create index key_change_time on _bemi.key_change (effective_at, commit_position, sequence);

-- What empties or alters a table, found without reading its rows.
create index changes_truncate on @schema@.changes ("table", effective_at) where operation = 'TRUNCATE';
create index changes_schema on @schema@.changes ("table", effective_at) where operation = 'SCHEMA';

insert into _bemi.epoch
select name, epoch, coalesce(consistent_point, '0/0'), null, false, created_at from _bemi.source;
insert into _bemi.coverage
select source, epoch, relation, schema, "table", min(position), min(recorded_at), false
from _bemi.relation_version group by 1, 2, 3, 4, 5;

create schema if not exists bemi;
comment on schema bemi is 'Asks the past; made by Bemi.';

create type bemi.row_version as (
  primary_key text, "row" jsonb, exact jsonb, fidelity jsonb, operation text, effective_at timestamptz,
  context jsonb
);

-- 'todo', 'public.todo' and '"Other Schema"."Od d"' as SQL reads them; the schema is public by default.
create function bemi.parse_table(name text, out schema text, out "table" text)
language plpgsql immutable set search_path = pg_catalog as $$
declare parts text[] := parse_ident(name);
begin
  if cardinality(parts) > 2 then
    raise exception 'not a table''s name: %', name using hint = 'write table, or schema.table';
  end if;
  "table" := parts[cardinality(parts)];
  schema := case when cardinality(parts) = 2 then parts[1] else 'public' end;
end $$;

-- The one source that has the table, or the one asked for.
create function _bemi.source_of(in_schema text, in_table text, in_source text) returns text
language plpgsql stable set search_path = pg_catalog as $$
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

-- The epoch that answers for a time; raises where nothing or not everything is known.
create function _bemi.epoch_at(in_source text, at timestamptz, partial boolean, allow_stale boolean)
returns int language plpgsql stable set search_path = pg_catalog as $$
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

-- A table as of a time: found by the name that it had then, or by one that it got later.
create type _bemi.place as (
  source text, epoch int, relation bigint, schema text, "table" text, at timestamptz,
  since bigint,    -- what is older than this position is not among its rows
  columns jsonb,   -- its shape at that time
  mixed boolean,   -- it had other shapes before
  since_time timestamptz  -- nothing of that is older than this
);

-- Whether it was made a partition since it was described last. One that was detached is described anew.
create function _bemi.is_partition(in_source text, in_epoch int, in_relation bigint, described bigint,
                                   described_sequence bigint, at timestamptz)
returns boolean language sql stable set search_path = pg_catalog as $$
  select exists (
    select from _bemi.relation_version r
    where r.source = in_source and r.epoch = in_epoch and r.leaves @> to_jsonb(in_relation)
      and (r.position, r.sequence) > (described, described_sequence) and r.effective_at <= at)
$$;

create function _bemi.relation_at(in_source text, in_epoch int, in_schema text, in_table text, at timestamptz)
returns _bemi.relation_version language sql stable set search_path = pg_catalog as $$
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

create function _bemi.raise_no_table(in_source text, in_epoch int, in_schema text, in_table text, at timestamptz)
returns void language plpgsql stable set search_path = pg_catalog as $$
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

-- Raises when not all rows of that time are known.
create function _bemi.find_place(name text, at timestamptz, in_source text, partial boolean, allow_stale boolean)
returns _bemi.place language plpgsql stable set search_path = pg_catalog as $$
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

-- The spans of the history in which the table's changes stand under one name, the newest first.
create function _bemi.segments(place _bemi.place)
returns table (schema text, "table" text, from_position bigint, from_sequence bigint, to_position bigint,
               to_sequence bigint)
language sql stable rows 1 set search_path = pg_catalog as $$
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

-- Where it was emptied last; nulls: nowhere.
create function _bemi.emptied(place _bemi.place, out commit_position bigint, out sequence bigint)
language sql stable set search_path = pg_catalog as $$
  select t.commit_position, t.sequence
  from _bemi.segments(place) s
  cross join lateral (
    select t.commit_position, t.sequence from @schema@.changes t
    where t.operation = 'TRUNCATE' and t."table" = s."table" and t.schema = s.schema and t.source = place.source
      and t.epoch = place.epoch and t.effective_at <= place.at and t.effective_at >= place.since_time
      and (t.commit_position, t.sequence) >= (s.from_position, s.from_sequence)
      and (t.commit_position, t.sequence) < (s.to_position, s.to_sequence)
    order by t.effective_at desc, t.commit_position desc, t.sequence desc limit 1
  ) t
  limit 1
$$;

-- What tells one shape from another: where which value of a row is.
create function _bemi.column_names(columns jsonb) returns jsonb
language sql immutable set search_path = pg_catalog as $$
  select coalesce(jsonb_agg(jsonb_build_object('name', c -> 'name', 'number', c -> 'number') order by c -> 'name'), '[]')
  from jsonb_array_elements(columns) c
$$;

-- How a row that was written under one shape reads under another: [[name, former name or null, JSON of what
-- rows from before the column have, its exact text], ...]; null: as it is.
create function _bemi.shape_map(written jsonb, wanted jsonb) returns jsonb
language sql immutable set search_path = pg_catalog as $$
  select case when _bemi.column_names(written) <> _bemi.column_names(wanted) then (
    select coalesce(jsonb_agg(jsonb_build_array(w -> 'name', o.name, w -> 'missing', w -> 'missing_exact')), '[]')
    from jsonb_array_elements(wanted) w
    left join lateral (
      select o ->> 'name' as name from jsonb_array_elements(written) o
      where case when o ? 'number' and w ? 'number' then o -> 'number' = w -> 'number' else o -> 'name' = w -> 'name' end
      limit 1
    ) o on true) end
$$;

create function _bemi.reshaped(map jsonb, "row" jsonb) returns jsonb
language sql immutable set search_path = pg_catalog as $$
  select coalesce(jsonb_object_agg(m ->> 0, case when m ->> 1 is null then coalesce((m ->> 2)::jsonb, 'null')
                                              else "row" -> (m ->> 1) end), '{}')
  from jsonb_array_elements(map) m where m ->> 1 is null or "row" ? (m ->> 1)
$$;

-- The remarks on a row's columns, exact texts or fidelity.
create function _bemi.reshaped_remarks(map jsonb, remarks jsonb, with_missing boolean) returns jsonb
language sql immutable set search_path = pg_catalog as $$
  select nullif(coalesce(jsonb_object_agg(m ->> 0, coalesce(remarks -> (m ->> 1), m -> 3)), '{}'), '{}')
  from jsonb_array_elements(map) m
  where remarks ? (m ->> 1) or with_missing and m ->> 1 is null and m ->> 3 is not null
$$;

create function _bemi.reshape(map jsonb, inout "row" jsonb, inout exact jsonb, inout fidelity jsonb)
language sql immutable as $$
  select case when map is null then "row" else _bemi.reshaped(map, "row") end,
         case when map is null then exact else _bemi.reshaped_remarks(map, exact, true) end,
         case when map is null then fidelity else _bemi.reshaped_remarks(map, fidelity, false) end
$$;

-- From where on rows read how, as of the place's time.
create function _bemi.shape_maps(place _bemi.place) returns table (since bigint, sequence bigint, map jsonb)
language sql stable set search_path = pg_catalog as $$
  select v.position, v.sequence, _bemi.shape_map(v.columns, place.columns)
  from _bemi.relation_version v
  where v.source = place.source and v.epoch = place.epoch and v.relation = place.relation
    and v.effective_at <= place.at and not v.dropped
$$;

create function _bemi.map_of(place _bemi.place, commit_position bigint, sequence bigint) returns jsonb
language sql stable set search_path = pg_catalog as $$
  select m.map from _bemi.shape_maps(place) m
  where (m.since, m.sequence) <= (map_of.commit_position, map_of.sequence)
  order by m.since desc, m.sequence desc limit 1
$$;

-- One row: a probe of an index, whose cost does not grow with the number of versions.
create function bemi.row_as_of(name text, key text, at timestamptz, source text default null,
                               partial boolean default false, allow_stale boolean default false)
returns setof bemi.row_version language plpgsql stable set search_path = pg_catalog as $$
declare
  place _bemi.place := _bemi.find_place(name, at, source, partial, allow_stale);
  segment record;
  version @schema@.changes;
  emptied record;
  map jsonb;
begin
  for segment in select * from _bemi.segments(place) loop
    select c.* into version from @schema@.changes c
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

-- Whether a row of that key got another one after a position.
create function _bemi.is_moved(place _bemi.place, key text, commit_position bigint, sequence bigint) returns boolean
language sql stable set search_path = pg_catalog as $$
  select exists (
    select from _bemi.segments(place) s join _bemi.key_change k on k."table" = s."table" and k.schema = s.schema
      and (k.commit_position, k.sequence) >= (s.from_position, s.from_sequence)
      and (k.commit_position, k.sequence) < (s.to_position, s.to_sequence)
    where k.previous_key = key and k.source = place.source and k.epoch = place.epoch and k.effective_at <= place.at
      and (k.commit_position, k.sequence) > (is_moved.commit_position, is_moved.sequence))
$$;

-- The rows of now by their keys, as the writer needs them to fill in what the stream leaves out. Rows from
-- before the table changed its shape are not among them.
create function _bemi.last_rows(in_source text, in_epoch int, in_schema text, in_table text, keys text[])
returns table (key text, "row" jsonb, exact jsonb)
language sql stable set search_path = pg_catalog as $$
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
create function bemi.rows_as_of(name text, at timestamptz, source text default null,
                                partial boolean default false, allow_stale boolean default false)
returns setof bemi.row_version language plpgsql stable set search_path = pg_catalog as $$
begin
  return query select * from _bemi.rows_of(_bemi.find_place(name, at, source, partial, allow_stale));
end $$;

create function _bemi.rows_of(place _bemi.place) returns setof bemi.row_version
language plpgsql stable set search_path = pg_catalog as $$
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

-- All changes until then are read.
create function _bemi.rows_by_scan(place _bemi.place) returns setof bemi.row_version
language sql stable set search_path = pg_catalog as $$
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
  where not v.ends
$$;

-- Rows without a key are known by their content, and by how many there are of it.
create function _bemi.keyless_rows_as_of(place _bemi.place) returns setof bemi.row_version
language plpgsql stable set search_path = pg_catalog as $$
declare emptied record;
begin
  select * into emptied from _bemi.emptied(place);
  if exists (
    select from _bemi.segments(place) s join @schema@.changes c on c."table" = s."table" and c.schema = s.schema
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
        and c.operation not in ('TRUNCATE', 'SCHEMA')
        and (emptied.sequence is null
             or (c.commit_position, c.sequence) > (emptied.commit_position, emptied.sequence))
    ) e
    group by e.content, e.said
  ) n
  cross join lateral generate_series(1, n.count);
end $$;

-- A row type's columns. `form`: how a column's JSON is read back. jsonb_populate_record knows neither
-- JSON null from SQL NULL nor hstore.
create function _bemi.columns_of(shape regtype)
returns table (place int, name text, type text, form text, hstore_schema text)
language sql stable set search_path = pg_catalog as $$
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

-- The columns as SQL over "row" and exact, to stand in a select list.
create function _bemi.restored_columns(shape regtype) returns text
language sql stable set search_path = pg_catalog as $$
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
$$;

-- A stored row as the table's own type, every value with the text that it had then:
-- bemi.restore(null::todo, after, exact -> 'after').
create function bemi.restore(shape anyelement, "row" jsonb, exact jsonb default null) returns anyelement
language plpgsql stable set search_path = pg_catalog as $$
begin
  execute format('select %s from (select $1 as "row", $2 as exact) stored',
                 _bemi.restored_columns(pg_typeof(shape))) using "row", exact into shape;
  return shape;
end $$;

-- Typed rows, where the table's type exists here: select * from bemi.as_of(null::todo, '...').
create function bemi.as_of(shape anyelement, at timestamptz, name text default null, source text default null,
                           partial boolean default false, allow_stale boolean default false)
returns setof anyelement language plpgsql stable set search_path = pg_catalog as $$
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

-- One record's versions, the oldest first: what changed, as {"column": [old, new]}, and who did it. Under all
-- names that its table had.
create function bemi.history(name text, key text, source text default null)
returns table (version bigint, valid_from timestamptz, valid_to timestamptz, operation text, changed jsonb,
               context jsonb, "row" jsonb, transaction_id bigint, id uuid)
language plpgsql stable set search_path = pg_catalog as $$
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
      select c.* from @schema@.changes c
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
    from stretch s join @schema@.changes t on t."table" = s."table" and t.schema = s.schema and t.epoch = s.epoch
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

create function _bemi.difference(before jsonb, after jsonb) returns jsonb
language sql immutable set search_path = pg_catalog as $$
  select coalesce(jsonb_object_agg(key, jsonb_build_array(before -> key, after -> key)), '{}')
  from (select jsonb_object_keys(before) union select jsonb_object_keys(after)) keys (key)
  -- As text: jsonb takes 1.0 and 1.00 for equal, a person who changed it does not.
  where (before -> key)::text is distinct from (after -> key)::text
$$;

-- Rows that differ between two times; rows without a key by their content, as often as they are there.
create function bemi.diff(name text, from_time timestamptz, to_time timestamptz, source text default null,
                          partial boolean default false, allow_stale boolean default false)
returns table (primary_key text, operation text, before jsonb, after jsonb, changed jsonb)
language sql stable set search_path = pg_catalog as $$
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

-- What each transaction did, the newest first.
create function bemi.transactions(since timestamptz default '-infinity', until timestamptz default 'infinity',
                                  with_context jsonb default '{}', source text default null, "limit" bigint default 50)
returns table (transaction_source text, transaction_id bigint, effective_at timestamptz, changes bigint, tables jsonb,
               context jsonb)
language sql stable set search_path = pg_catalog as $$
  with changed as (
    select c.source, c.epoch, c.commit_position, c.transaction_id, c.effective_at,
           c.schema || '.' || c."table" as "table", count(*) as count,
           (array_agg(c.context - 'SQL' order by c.sequence))[1] as context
    from @schema@.changes c
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

-- How many changes in each span of time, by table, operation or any key of the context.
create function bemi.trends(span interval default '1 hour', group_by text default 'operation',
                            since timestamptz default now() - interval '1 day', until timestamptz default 'infinity',
                            source text default null)
returns table (starts_at timestamptz, grp text, changes bigint)
language sql stable set search_path = pg_catalog as $$
  select date_bin(span, c.effective_at, '2000-01-01 00:00:00+00'),
         case group_by when 'operation' then c.operation when 'table' then c.schema || '.' || c."table"
           when 'source' then c.source else c.context ->> group_by end,
         count(*)
  from @schema@.changes c
  where c.effective_at >= since and c.effective_at < until and c.operation <> 'SNAPSHOT'
    and (trends.source is null or c.source = trends.source)
  group by 1, 2 order by 1, 2
$$;

-- A moment as people name it: a mark, a timestamp, an LSN (all that was committed up to it), a transaction id
-- (up to its commit).
create function bemi.moment(said text, source text default null) returns timestamptz
language plpgsql stable set search_path = pg_catalog as $$
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
    select c.epoch, c.commit_position, c.effective_at into found from @schema@.changes c
    where c.source = in_source and c.commit_position <= said::pg_lsn - '0/0'
      and c.epoch = (select s.epoch from _bemi.source s where s.name = in_source)
    order by c.effective_at desc, c.commit_position desc limit 1;
  else
    select c.epoch, c.commit_position, c.effective_at into found from @schema@.changes c
    where c.source = in_source and c.transaction_id = said::bigint
    order by c.effective_at desc limit 1;
  end if;
  if found.effective_at is null then
    raise exception 'there is no change at or before % in the history of %', said, in_source
      using errcode = 'no_data_found';
  elsif exists (select from @schema@.changes c where c.source = in_source and c.epoch = found.epoch
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
          select c.effective_at from @schema@.changes c
          where c.source = s.name and c.epoch = found.epoch and c.effective_at >= found.effective_at
            and c.commit_position > said::pg_lsn - '0/0'
          order by c.effective_at, c.commit_position limit 1) n on true
        where s.name = in_source)) end);
end $$;
