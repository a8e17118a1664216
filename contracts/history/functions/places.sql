-- From a table's name and a time to the place in the history where the answer stands, or to the reason why there is
-- none. These functions run with the caller's rights.

-- 'todo', 'public.todo' and '"Other Schema"."Od d"' as SQL reads them; the schema is public by default.
create or replace function bemi.parse_table(name text, out schema text, out "table" text)
language plpgsql immutable set search_path = pg_catalog, pg_temp as $$
declare parts text[] := parse_ident(name);
begin
  if cardinality(parts) > 2 then
    raise exception 'not a table''s name: %', name
      using errcode = 'invalid_parameter_value', hint = 'write table, or schema.table';
  end if;
  "table" := parts[cardinality(parts)];
  schema := case when cardinality(parts) = 2 then parts[1] else 'public' end;
end $$;

-- As people write it: without its schema where that is public.
create or replace function _bemi.closest_table(in_schema text, in_table text) returns text
language sql stable set search_path = pg_catalog, pg_temp as $$
  select _bemi.closest(case when in_schema = 'public' then quote_ident(in_table)
                            else format('%I.%I', in_schema, in_table) end, array_agg(n.name))
  from (select distinct case when v.schema = 'public' then quote_ident(v."table")
                             else format('%I.%I', v.schema, v."table") end as name
        from _bemi.relation_version v) n
$$;

-- Tables that may have been meant by a name that is not known.
create or replace function _bemi.raise_unknown_table(in_schema text, in_table text) returns void
language plpgsql stable set search_path = pg_catalog, pg_temp as $$
declare meant text;
begin
  select string_agg(n.name, ', ' order by n.name) into meant
  from (select distinct format('%I.%I', v.schema, v."table") as name from _bemi.relation_version v
        where lower(v."table") = lower(in_table) order by 1 limit 20) n;
  raise exception 'there is no history of %.%', in_schema, in_table
    using errcode = 'undefined_table',
          hint = coalesce('there is one of ' || meant || ': write it with its schema, quoted as in SQL',
                          'did you mean ' || _bemi.closest_table(in_schema, in_table) || '?',
                          'is the table tracked, and its name written as SQL would? See: bemi check');
end $$;

-- A partition that was emptied by itself has a change, and no shape of its own: only then the changes are asked, since
-- to plan a look at all of them takes long.
create or replace function _bemi.check_table(in_schema text, in_table text) returns void
language plpgsql stable set search_path = pg_catalog, pg_temp as $$
begin
  if exists (select from _bemi.relation_version v where v.schema = in_schema and v."table" = in_table) then
    return;
  end if;
  if not exists (select from @schema@.changes c where c.schema = in_schema and c."table" = in_table) then
    perform _bemi.raise_unknown_table(in_schema, in_table);
  end if;
end $$;

-- A source's newest change, looked for in its last days first.
create or replace function _bemi.newest_of_source(in_source text) returns @schema@.changes
language plpgsql stable set search_path = pg_catalog, pg_temp set plan_cache_mode = force_custom_plan
set jit = off as $$
declare
  newest @schema@.changes;
  spell record;
begin
  for spell in
    select coalesce(s.effective_at - b.back, '-infinity') as since
    from _bemi.source s, (values (interval '3 days'), ('30 days'), ('300 days'), (null)) b (back)
    where s.name = in_source order by b.back
  loop
    select c.* into newest from @schema@.changes c
    where c.source = in_source and c.effective_at >= spell.since
    order by c.effective_at desc, c.epoch desc, c.commit_position desc, c.sequence desc limit 1;
    exit when newest.id is not null;
  end loop;
  return newest;
end $$;

-- The one source that has the table, or the one asked for.
create or replace function _bemi.source_of(in_schema text, in_table text, in_source text) returns text
language plpgsql stable set search_path = pg_catalog, pg_temp as $$
declare found text[];
begin
  perform _bemi.check_source(in_source);
  select array_agg(distinct v.source) into found from _bemi.relation_version v
  where v.schema = in_schema and v."table" = in_table and (in_source is null or v.source = in_source);
  if found is null then
    perform _bemi.raise_unknown_table(in_schema, in_table);
  elsif cardinality(found) > 1 then
    raise exception 'several sources have a table %.%: %', in_schema, in_table, array_to_string(found, ', ')
      using errcode = 'ambiguous_parameter', hint = 'name one with source =>';
  end if;
  return found[1];
end $$;

create or replace function _bemi.raise_not_yet(in_source text, known text, asked text) returns void
language plpgsql stable set search_path = pg_catalog, pg_temp as $$
begin
  raise exception 'the history of % is known until %, not yet for %', in_source, known, asked
    using errcode = 'object_not_in_prerequisite_state', detail = 'not reached yet',
          hint = 'wait for it with --wait 30s or bemi sync, or take what there is with '
            'allow_stale => true (--allow-stale)';
end $$;

create or replace function _bemi.refuse_unreached(in_source text, at timestamptz) returns void
language sql stable set search_path = pg_catalog, pg_temp as $$
  select _bemi.raise_not_yet(s.name, s.effective_at::text, at::text) from _bemi.source s
  where s.name = in_source and at > s.effective_at
$$;

-- The epoch that answers for a time; raises where nothing or not everything is known.
create or replace function _bemi.epoch_at(in_source text, at timestamptz, partial boolean, allow_stale boolean)
returns int language plpgsql stable set search_path = pg_catalog, pg_temp as $$
declare state _bemi.source; found _bemi.epoch; following _bemi.epoch;
begin
  if at is null then
    raise exception 'no time is given' using errcode = 'null_value_not_allowed';
  end if;
  select * into state from _bemi.source where name = in_source;
  -- Not at that very moment either: concurrent commits invert their times, so one to come may share it.
  if at = state.effective_at and not allow_stale then
    raise exception 'the history of % is known up to that moment, and a commit to come may still share it', in_source
      using errcode = 'object_not_in_prerequisite_state', detail = 'not reached yet: ' || at::text,
            hint = 'wait for it with --wait 30s or bemi sync, or take what there is with '
            'allow_stale => true (--allow-stale)';
  elsif at >= coalesce(state.effective_at, '-infinity') and not allow_stale then
    perform _bemi.raise_not_yet(in_source, coalesce(state.effective_at::text, 'nowhere'), at::text);
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

-- Whether it was made a partition since it was described last. One that was detached is described again.
create or replace function _bemi.is_partition(in_source text, in_epoch int, in_relation bigint, described bigint,
                                   described_sequence bigint, at timestamptz)
returns boolean language sql stable set search_path = pg_catalog, pg_temp as $$
  select exists (
    select from _bemi.relation_version r
    where r.source = in_source and r.epoch = in_epoch and r.leaves @> to_jsonb(in_relation)
      and (r.position, r.sequence) > (described, described_sequence) and r.effective_at <= at)
$$;

create or replace function _bemi.relation_at(in_source text, in_epoch int, in_schema text, in_table text,
  at timestamptz)
returns _bemi.relation_version language sql stable set search_path = pg_catalog, pg_temp as $$
  select v.*
  from (select distinct n.relation from _bemi.relation_version n
        where n.schema = in_schema and n."table" = in_table and n.source = in_source and n.epoch = in_epoch) named
  cross join lateral (
    select v.* from _bemi.relation_version v
    where v.source = in_source and v.epoch = in_epoch and v.relation = named.relation and v.effective_at <= at
    order by v.position desc, v.sequence desc limit 1
  ) v
  where not v.dropped and not _bemi.is_partition(in_source, in_epoch, v.relation, v.position, v.sequence, at)
    -- A later name means the table that was the first to get it: another one had it before, or may have had it.
    and ((v.schema, v."table") = (in_schema, in_table) or v.relation = (
      select n.relation from _bemi.relation_version n
      where n.source = in_source and n.epoch = in_epoch and n.schema = in_schema and n."table" = in_table
        and not n.dropped and n.effective_at > at
      order by n.effective_at, n.position, n.sequence limit 1))
  order by (v.schema, v."table") = (in_schema, in_table) desc, v.position desc limit 1
$$;

create or replace function _bemi.raise_no_table(in_source text, in_epoch int, in_schema text, in_table text,
  at timestamptz)
returns void language plpgsql stable set search_path = pg_catalog, pg_temp as $$
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
create or replace function _bemi.find_place(name text, at timestamptz, in_source text, partial boolean,
  allow_stale boolean)
returns _bemi.place language plpgsql stable set search_path = pg_catalog, pg_temp as $$
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
  found.unsent := coalesce(version.unsent, '{}');
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
      hint = 'take the rows that have changed with partial => true (--partial), or read the rest '
        'from the live table: bemi as-of';
  end if;
  found.since := coalesce(known.position, 0);
  -- A baseline's rows stand beside commits of about that time; a checkpoint's stand between two.
  found.since_time := case when known.checkpoint then known.since else '-infinity' end;
  found.mixed := (
    select count(distinct (_bemi.column_names(v.columns), coalesce(v.unsent, '{}'))) > 1 from _bemi.relation_version v
    where v.source = found.source and v.epoch = found.epoch and v.relation = found.relation
      and v.effective_at <= find_place.at);
  return found;
end $$;

-- A table at the end of all that is known of it, in no shape.
create or replace function _bemi.place_of(source text, epoch int, relation bigint) returns _bemi.place
language plpgsql immutable set search_path = pg_catalog, pg_temp as $$
declare place _bemi.place;
begin
  place.source := source;
  place.epoch := epoch;
  place.relation := relation;
  place.at := 'infinity';
  place.since := 0;
  place.mixed := false;
  place.since_time := '-infinity';
  return place;
end $$;

-- The spans of the history in which the table's changes stand under one name, the newest first.
create or replace function _bemi.segments(place _bemi.place)
returns table (schema text, "table" text, from_position bigint, from_sequence bigint, to_position bigint,
               to_sequence bigint)
language sql stable rows 1 set search_path = pg_catalog, pg_temp as $$
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
           lead(v.position, 1, 9223372036854775807) over w as to_position, lead(v.sequence, 1,
             0::bigint) over w as to_sequence
    from versions v where v.renamed
    window w as (order by v.position, v.sequence)
  )
  select s.schema, s."table", greatest(s.from_position, place.since),
         case when s.from_position >= place.since then s.from_sequence else 0 end, s.to_position, s.to_sequence
  from spans s where not s.dropped and s.to_position >= place.since
  order by s.from_position desc, s.from_sequence desc
$$;

-- Whether a change lies within a segment. The planner writes this out in the query, where an index can serve it, since
-- it is one expression without settings. Its operators are looked up once, here, whatever the caller's search_path.
create or replace function _bemi.is_in(at_position bigint, at_sequence bigint, from_position bigint,
  from_sequence bigint, to_position bigint, to_sequence bigint)
returns boolean language sql immutable parallel safe
return (at_position, at_sequence) >= (from_position, from_sequence)
  and (at_position, at_sequence) < (to_position, to_sequence);

-- The position at which the table was last emptied; nulls: it never was.
create or replace function _bemi.emptied(place _bemi.place, out commit_position bigint, out sequence bigint)
language sql stable set search_path = pg_catalog, pg_temp as $$
  select e.* from _bemi.emptied_before(place, 9223372036854775807, 0) e
$$;

-- The same before a position, and not before a time; null: nothing is asked.
create or replace function _bemi.emptied_before(place _bemi.place, to_position bigint, to_sequence bigint,
                                     since timestamptz default '-infinity', out commit_position bigint,
                                     out sequence bigint)
language plpgsql stable set search_path = pg_catalog, pg_temp set plan_cache_mode = force_custom_plan
set jit = off as $$
declare
  span record;
  spell record;
begin
  if since is null then return; end if;
  for span in select * from _bemi.segments(place) loop
    for spell in
      select * from _bemi.times_of_keys(span."table", array[null::text], greatest(place.since_time, since), place.at)
    loop
      select t.commit_position, t.sequence into commit_position, sequence from @schema@.changes t
      where t.operation = 'TRUNCATE' and t."table" = span."table" and t.schema = span.schema
        and t.source = place.source and t.epoch = place.epoch and t.effective_at < spell.until
        and t.effective_at >= spell.since
        and _bemi.is_in(t.commit_position, t.sequence, span.from_position, span.from_sequence, span.to_position,
                        span.to_sequence)
        and (t.commit_position, t.sequence) < (emptied_before.to_position, emptied_before.to_sequence)
      order by t.effective_at desc, t.commit_position desc, t.sequence desc limit 1;
      if sequence is not null then return; end if;
    end loop;
  end loop;
end $$;

-- A moment as people name it: a mark, a timestamp, an LSN (all that was committed up to it), a transaction id
-- (up to its commit). Of an LSN that has not arrived, with allow_stale, what has.
create or replace function bemi.moment(said text, source text default null, allow_stale boolean default false)
returns timestamptz language plpgsql stable set search_path = pg_catalog, pg_temp set jit = off as $$
declare
  in_source text := source;
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
  if said !~ '^[0-9]+$' and said !~ '^[0-9A-Fa-f]+/[0-9A-Fa-f]+$' then return _bemi.said_time(said); end if;
  if in_source is null then
    select min(name) into in_source from _bemi.source having count(*) = 1;
    if in_source is null then
      raise exception 'a position or a transaction id belongs to one source, and there are several here'
        using errcode = 'ambiguous_parameter', hint = 'name one with source =>';
    end if;
  end if;
  return case when said ~ '/' then _bemi.moment_of_position(said::pg_lsn, in_source, allow_stale)
    else _bemi.moment_of_transaction(said::bigint, in_source) end;
end $$;

create or replace function _bemi.said_time(said text) returns timestamptz
language plpgsql stable set search_path = pg_catalog, pg_temp as $$
declare at timestamptz := _bemi.time_of(said);
begin
  if at is null then
    raise exception 'there is no mark %, and that is not a time either', said
      using errcode = 'invalid_datetime_format',
            hint = 'write a mark (bemi mark list), an LSN, a transaction id, or a time: ' || _bemi.time_forms();
  end if;
  return at;
end $$;

-- Nothing between transactions of one time can be told apart.
create or replace function _bemi.refuse_shared_time(in_source text, in_epoch int, at timestamptz, in_position bigint,
                                         said text) returns void
language plpgsql stable set search_path = pg_catalog, pg_temp as $$
begin
  if exists (select from @schema@.changes c where c.source = in_source and c.epoch = in_epoch
               and c.effective_at = at and c.commit_position > in_position) then
    raise exception 'another transaction after % has the same time; nothing between them can be told apart', said
      using errcode = 'cardinality_violation';
  end if;
end $$;

create or replace function _bemi.moment_of_transaction(said bigint, in_source text) returns timestamptz
language plpgsql stable set search_path = pg_catalog, pg_temp as $$
declare found record;
begin
  select c.epoch, c.commit_position, c.effective_at into found from @schema@.changes c
  where c.source = in_source and c.transaction_id = said
  order by c.effective_at desc limit 1;
  if found.effective_at is null then
    raise exception 'there is no change of the transaction % in the history of %', said, in_source
      using errcode = 'no_data_found', detail = 'not reached yet',
            hint = 'if it is a new one, wait for it with --wait 30s or bemi sync';
  end if;
  perform _bemi.refuse_shared_time(in_source, found.epoch, found.effective_at, found.commit_position, said::text);
  return found.effective_at;
end $$;

create or replace function _bemi.moment_of_position(said pg_lsn, in_source text,
  allow_stale boolean) returns timestamptz
language plpgsql stable set search_path = pg_catalog, pg_temp as $$
declare
  state _bemi.source;
  found record;
begin
  select * into state from _bemi.source s where s.name = in_source;
  if said > coalesce(state.position, '0/0') and not allow_stale then
    perform _bemi.raise_not_yet(in_source, coalesce(state.position, '0/0')::text, said::text);
  end if;
  select c.epoch, c.commit_position, c.effective_at into found from @schema@.changes c
  where c.source = in_source and c.commit_position <= said - '0/0' and c.epoch = state.epoch
  order by c.effective_at desc, c.commit_position desc limit 1;
  if found.effective_at is null then
    raise exception 'there is no change at or before % in the history of %', said, in_source
      using errcode = 'no_data_found';
  end if;
  perform _bemi.refuse_shared_time(in_source, found.epoch, found.effective_at, found.commit_position, said::text);
  -- Up to the next commit nothing happens: a baseline that was taken meanwhile counts.
  return greatest(found.effective_at, (
    select max(k.since) from _bemi.coverage k
    where k.source = in_source and k.epoch = found.epoch and k.position <= said - '0/0'
      and k.since < (
        select coalesce(min(n.effective_at), state.effective_at)
        from (select c.effective_at from @schema@.changes c
              where c.source = in_source and c.epoch = found.epoch and c.effective_at >= found.effective_at
                and c.commit_position > said - '0/0'
              order by c.effective_at, c.commit_position limit 1) n)));
end $$;

comment on function bemi.parse_table(text) is
  'Splits a table''s name, quoted as in SQL, into schema and table; the schema is public by default.';
comment on function bemi.moment(text, text, boolean) is
  'The time that a mark, a timestamp, an LSN or a transaction id stands for.';
