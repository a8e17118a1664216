-- The history's part of a walk back from the live table: whether it reaches a time, and the rows of that time that have
-- changed since. The command line and the API call these (src/query/walk_back.hpp) and read the rest from the source.

-- Since when nothing that this entry is about has happened unseen. What was found by looking later than it
-- happened is known from the first commit after the look.
create or replace function _bemi.known_since(c _bemi.coverage) returns timestamptz
language sql stable set search_path = pg_catalog, pg_temp as $$
  select case
    when c.whole or c.position <= (select e.consistent_point - '0/0' from _bemi.epoch e
                                   where e.source = c.source and e.epoch = c.epoch) then c.since
    else coalesce((select o.effective_at from @schema@.changes o
                   where o.source = c.source and o.epoch = c.epoch and o.effective_at >= c.since
                     and o.commit_position >= c.position
                   order by o.effective_at, o.commit_position limit 1), 'infinity') end
$$;

-- The table as of a time to which one can walk back from now; raises where nobody can.
create or replace function _bemi.walk_place(name text, at timestamptz, in_source text) returns _bemi.place
language plpgsql stable set search_path = pg_catalog, pg_temp as $$
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
    raise exception 'nobody can walk back to %: rows of %.% came, went or were rewritten unseen until %',
      at, place.schema, place."table", coalesce(since::text, 'now')
      using errcode = 'object_not_in_prerequisite_state', hint = 'ask for a later time';
  end if;
  place.since := 0;
  select min(t.effective_at) into emptied
  from _bemi.later_segments(place) s join @schema@.changes t on t."table" = s."table" and t.schema = s.schema
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

create or replace function _bemi.later_segments(place _bemi.place)
returns table (schema text, "table" text, from_position bigint, from_sequence bigint, to_position bigint,
               to_sequence bigint)
language plpgsql stable rows 1 set search_path = pg_catalog, pg_temp as $$
begin
  place.at := 'infinity';
  return query select * from _bemi.segments(place);
end $$;

-- A row that was written after the place's time, in the shape of that time. What a column that was dropped since
-- had then is not known.
create or replace function _bemi.walked_row(place _bemi.place, commit_position bigint, sequence bigint,
                                 inout "row" jsonb, inout exact jsonb, inout fidelity jsonb)
language plpgsql stable set search_path = pg_catalog, pg_temp as $$
declare map jsonb; lost jsonb;
begin
  place.at := 'infinity';
  map := _bemi.map_of(place, walked_row.commit_position, walked_row.sequence);
  if map is null then return; end if;
  select jsonb_agg(m) filter (where m ->> 1 is not null),
         jsonb_object_agg(m ->> 0, 'unknown') filter (where m ->> 1 is null)
  into map, lost from jsonb_array_elements(map) m;
  "row" := _bemi.reshaped(map, "row");
  exact := _bemi.reshaped_exact(map, exact);
  fidelity := nullif(coalesce(_bemi.reshaped_fidelity(map, fidelity), '{}') || coalesce(lost, '{}'), '{}');
end $$;

create or replace function _bemi.changes_since(place _bemi.place, seen pg_snapshot, key text default null)
returns setof @schema@.changes language sql stable set search_path = pg_catalog, pg_temp as $$
  select c.* from _bemi.later_segments(place) s
  join @schema@.changes c on c."table" = s."table" and c.schema = s.schema
    and (c.commit_position, c.sequence) >= (s.from_position, s.from_sequence)
    and (c.commit_position, c.sequence) < (s.to_position, s.to_sequence)
  where c.source = place.source and c.epoch = place.epoch and c.effective_at > place.at
    and c.operation in ('CREATE', 'UPDATE', 'DELETE')
    -- Only what is in the live rows that were read is undone.
    and pg_visible_in_snapshot(c.transaction_id::text::xid8, seen)
$$;

-- Each key that changed since, with the row that it had; none: it had none. By its first change, which keys that pass
-- from one row to another ask more than.
create or replace function _bemi.walked_keys(place _bemi.place, seen pg_snapshot, key text default null)
returns table (primary_key text, existed boolean, "row" jsonb, exact jsonb, fidelity jsonb)
language plpgsql stable set search_path = pg_catalog, pg_temp as $$
begin
  if not exists (select from _bemi.key_pass p where p.source = place.source and p.epoch = place.epoch
                   and p.effective_at > place.at) then
    return query select w.primary_key, w.existed, w."row", w.exact, w.fidelity from _bemi.walked_firsts(place, seen,
      key) w;
    return;
  end if;
  return query
  select w.primary_key, p.existed, p."row", p.exact, p.fidelity from _bemi.walked_firsts(place, seen, key) w
  cross join lateral (
    select w.existed, w."row", w.exact, w.fidelity where w.existed
    union all
    select p.* from _bemi.walked_pass(place, seen, w.primary_key, w.commit_position) p where not w.existed) p;
end $$;

create or replace function _bemi.walked_firsts(place _bemi.place, seen pg_snapshot, key text default null,
                                    after_position bigint default 0)
returns table (primary_key text, existed boolean, "row" jsonb, exact jsonb, fidelity jsonb, commit_position bigint)
language sql stable set search_path = pg_catalog, pg_temp as $$
  select distinct on (e.key) e.key, e.was, r."row", r.exact, r.fidelity, c.commit_position
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
  where (walked_firsts.key is null or e.key = walked_firsts.key) and c.commit_position > after_position
  order by e.key, c.commit_position, c.sequence, e.was desc
$$;

-- A key that a row came to first: another one may have had it, and have gone since. What left it more often than it
-- came was there; when each came as often as it went, the next transaction tells; when there is none, the live table.
create or replace function _bemi.walked_pass(place _bemi.place, seen pg_snapshot, key text, in_position bigint)
returns table (existed boolean, "row" jsonb, exact jsonb, fidelity jsonb)
language plpgsql stable rows 1 set search_path = pg_catalog, pg_temp as $$
declare
  always _bemi.place := place;
  following record;
  had record;
begin
  always.at := 'infinity';
  loop
    if not exists (select from _bemi.passes(always) p where p.commit_position = in_position) then
      return query select false, null::jsonb, null::jsonb, null::jsonb;
      return;
    end if;
    select min(e.sequence) filter (where e.count < 0) as sequence, bool_and(e.count = 0) as stayed into had
    from (select k.content, sum(k.step) as count, min(k.sequence) filter (where k.step < 0) as sequence
          from _bemi.key_events(always, key, in_position) k group by k.content) e;
    if had.sequence is not null then
      return query
      select true, r."row", r.exact, r.fidelity from _bemi.changes_since(place, seen) c
      cross join lateral _bemi.walked_row(place, c.commit_position, c.sequence, c.before, c.exact -> 'before',
                                          c.fidelity -> 'before') r
      where c.commit_position = in_position and c.sequence = had.sequence;
      return;
    elsif not had.stayed then
      return query select false, null::jsonb, null::jsonb, null::jsonb;
      return;
    end if;
    select * into following from _bemi.walked_firsts(place, seen, key, in_position);
    if following.primary_key is null then return; end if;
    if following.existed then
      return query select true, following."row", following.exact, following.fidelity;
      return;
    end if;
    in_position := following.commit_position;
  end loop;
end $$;

-- Rows without a key: how many of a content there were more then than now, or fewer.
create or replace function _bemi.walked_contents(place _bemi.place, seen pg_snapshot)
returns table (content text, exact jsonb, count bigint)
language plpgsql stable set search_path = pg_catalog, pg_temp as $$
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

-- bemi.diff of rows that are here already: [{"primary_key", "row", "exact"}, ...], without those in both.
create or replace function _bemi.diff_of(old jsonb, new jsonb)
returns table (primary_key text, operation text, before jsonb, after jsonb, changed jsonb)
language sql stable set search_path = pg_catalog, pg_temp as $$
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

-- Transactions that the live rows do not have yet, but the time that was asked for has: the rows are to be read again.
create or replace function _bemi.is_ahead(place _bemi.place, seen pg_snapshot) returns boolean
language sql stable set search_path = pg_catalog, pg_temp as $$
  select exists (select from pg_snapshot_xip(seen)) and exists (
    select from @schema@.changes c
    where c.source = place.source and c.epoch = place.epoch and c.effective_at <= place.at
      and c.effective_at > place.at - interval '1 day'
      and c.transaction_id in (select x::text::bigint from pg_snapshot_xip(seen) x))
$$;
