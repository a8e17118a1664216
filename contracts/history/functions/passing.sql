-- Keys that pass from one row to another within a transaction while both have them, as deferrable keys may. There the
-- newest change of a key does not tell whether somebody has it: what became of each content does. One that came more
-- often than it went is there in the end; when each came as often as it went, all is as it was before.

-- The transactions up to a place's time in which that may have happened; none, most of the time.
create or replace function _bemi.passes(place _bemi.place) returns table (commit_position bigint)
language sql stable set search_path = pg_catalog, pg_temp as $$
  select distinct p.commit_position from _bemi.segments(place) s
  join _bemi.key_pass p on p.schema = s.schema and p."table" = s."table"
    and p.commit_position >= s.from_position and p.commit_position <= s.to_position
  where p.source = place.source and p.epoch = place.epoch and p.effective_at <= place.at
$$;

create or replace function _bemi.has_passes(place _bemi.place) returns boolean
language sql stable set search_path = pg_catalog, pg_temp as $$
  select exists (select from _bemi.key_pass p where p.source = place.source and p.epoch = place.epoch)
    and exists (select from _bemi.passes(place))
$$;

-- The effects of one transaction on one key, a row each: -1: a row left it or was replaced; 1: a row came to it.
create or replace function _bemi.key_events(place _bemi.place, key text, in_position bigint)
returns table (sequence bigint, step int, content text)
language sql stable set search_path = pg_catalog, pg_temp as $$
  -- Each step is a probe of an index by the key, or by a change's whole position: all keys of the transaction have
  -- its time and position, so that a probe by these alone would read it once for each key.
  with moment as (
    select p.effective_at as at from _bemi.key_pass p
    where p.source = place.source and p.epoch = place.epoch and p.commit_position = in_position limit 1
  ), touched as materialized (
    select c.sequence, c.operation, c.before, c.after, c.exact, false as leaves, c.comes
    from moment m cross join _bemi.segments(place) s
    cross join lateral (
      select c.*, (select count(*) > 0 from (
               select from _bemi.key_change k
               where k.effective_at = c.effective_at and k.commit_position = c.commit_position
                 and k.sequence = c.sequence and k."table" = c."table" and k.schema = c.schema
                 and k.source = c.source and k.epoch = c.epoch limit 1) k) as comes
      from (
        select c.* from @schema@.changes c
        where c."table" = s."table" and c.primary_key = key and c.effective_at = m.at offset 0
      ) c
      where c.commit_position = in_position and c.schema = s.schema and c.source = place.source
        and c.epoch = place.epoch and c.operation in ('CREATE', 'UPDATE', 'DELETE')
        and _bemi.is_in(c.commit_position, c.sequence, s.from_position, s.from_sequence, s.to_position, s.to_sequence)
    ) c
    union all
    select c.sequence, c.operation, c.before, c.after, c.exact, true, false
    from moment m cross join _bemi.segments(place) s
    cross join lateral (
      select k.* from (
        select k.* from _bemi.key_change k
        where k."table" = s."table" and k.previous_key = key and k.effective_at = m.at offset 0
      ) k
      where k.commit_position = in_position and k.epoch = place.epoch and k.source = place.source
        and k.schema = s.schema
        and _bemi.is_in(k.commit_position, k.sequence, s.from_position, s.from_sequence, s.to_position, s.to_sequence)
      offset 0
    ) k
    cross join lateral (
      select c.* from @schema@.changes c
      where c.effective_at = k.effective_at and c.commit_position = k.commit_position and c.sequence = k.sequence
        and c."table" = k."table" and c.schema = k.schema and c.source = k.source and c.epoch = k.epoch
      offset 0
    ) c
  )
  select t.sequence, -1, concat(t.before, t.exact -> 'before') from touched t
  where t.leaves or t.operation = 'DELETE' or t.operation = 'UPDATE' and not t.comes
  union all
  select t.sequence, 1, concat(t.after, t.exact -> 'after') from touched t where not t.leaves
    and t.operation <> 'DELETE'
$$;

-- The holder of the key after a transaction: a change's sequence; or nothing; or the same as before it (`stays`).
create or replace function _bemi.pass_outcome(place _bemi.place, key text, in_position bigint, after_sequence bigint,
                                   to_sequence bigint, out sequence bigint, out surely boolean, out stays boolean)
language sql stable set search_path = pg_catalog, pg_temp as $$
  with contents as (
    select e.content, sum(e.step) as count, max(e.sequence) filter (where e.step = 1) as sequence
    from _bemi.key_events(place, key, in_position) e
    where e.sequence > after_sequence and e.sequence < pass_outcome.to_sequence group by e.content
  )
  select max(c.sequence) filter (where c.count > 0), coalesce(sum(c.count) > 0, false),
         coalesce(bool_and(c.count = 0), true)
  from contents c
$$;

-- The key's row before a position, as `changes` has it; null: it has none. `trusting`: where contents alone cannot say
-- whether one came and another went, or one row changed in columns that are not recorded, take the former.
create or replace function _bemi.key_holder(place _bemi.place, key text, to_position bigint default 9223372036854775807,
                                 to_sequence bigint default 0, trusting boolean default false)
returns @schema@.changes language plpgsql stable set search_path = pg_catalog, pg_temp as $$
declare
  emptied record;
  version @schema@.changes;
  left_at record;
  outcome record;
  newest bigint;
begin
  select * into emptied from _bemi.emptied_before(place, to_position, to_sequence);
  loop
    version := _bemi.newest_change(place, key, to_position, to_sequence);
    select k.commit_position, k.sequence into left_at from _bemi.segments(place) s
    cross join lateral (
      select k.* from _bemi.key_change k
      where k."table" = s."table" and k.previous_key = key and k.effective_at <= place.at and k.schema = s.schema
        and k.source = place.source and k.epoch = place.epoch
        and _bemi.is_in(k.commit_position, k.sequence, s.from_position, s.from_sequence, s.to_position, s.to_sequence)
        and (k.commit_position, k.sequence) < (key_holder.to_position, key_holder.to_sequence)
      offset 0
    ) k
    order by k.effective_at desc, k.commit_position desc, k.sequence desc limit 1;
    newest := greatest(version.commit_position, left_at.commit_position);
    if newest is null or newest < emptied.commit_position then return null; end if;
    if not exists (select from _bemi.passes(place) p where p.commit_position = newest) then
      return case when version.id is not null and version.operation <> 'DELETE'
        and coalesce((version.commit_position, version.sequence) > (left_at.commit_position, left_at.sequence), true)
        and coalesce((version.commit_position, version.sequence) > (emptied.commit_position, emptied.sequence), true)
        then version end;
    end if;
    select * into outcome from _bemi.pass_outcome(place, key, newest,
      case when emptied.commit_position = newest then emptied.sequence else -1 end,
      case when newest = to_position then key_holder.to_sequence else 9223372036854775807 end);
    if outcome.sequence is not null and (outcome.surely or trusting
        or (_bemi.key_holder(place, key, newest, 0, true)).id is not null) then
      return _bemi.newest_change(place, key, newest, outcome.sequence + 1);
    elsif not outcome.stays or emptied.commit_position = newest then
      return null;
    end if;
    to_position := newest;
    to_sequence := 0;
  end loop;
end $$;

create or replace function _bemi.newest_change(place _bemi.place, key text, to_position bigint, to_sequence bigint)
returns @schema@.changes language sql stable set search_path = pg_catalog, pg_temp as $$
  select c.* from _bemi.segments(place) s
  cross join lateral (
    select c.* from @schema@.changes c
    where c."table" = s."table" and c.primary_key = key and c.schema = s.schema
      and c.source = place.source and c.epoch = place.epoch and c.effective_at <= place.at
      and c.effective_at >= place.since_time
      and _bemi.is_in(c.commit_position, c.sequence, s.from_position, s.from_sequence, s.to_position, s.to_sequence)
      and (c.commit_position, c.sequence) < (newest_change.to_position, newest_change.to_sequence)
    order by c.effective_at desc, c.commit_position desc, c.sequence desc limit 1
  ) c
  order by c.effective_at desc, c.commit_position desc, c.sequence desc limit 1
$$;

-- The rows that are there although the newest of their keys' changes says that a row went: a key's probe, and all.
create or replace function _bemi.passed_row(place _bemi.place, key text, to_position bigint default 9223372036854775807,
                                 to_sequence bigint default 0)
returns setof @schema@.changes language plpgsql stable rows 1 set search_path = pg_catalog, pg_temp as $$
declare
  newest @schema@.changes := _bemi.newest_change(place, key, to_position, to_sequence);
  version @schema@.changes;
begin
  -- Rows that a plain look finds are not returned twice.
  if newest.operation <> 'DELETE' and not exists (
      select from _bemi.segments(place) s cross join lateral (
        select from _bemi.key_change k
        where k."table" = s."table" and k.previous_key = key and k.effective_at <= place.at and k.schema = s.schema
          and k.source = place.source and k.epoch = place.epoch
          and _bemi.is_in(k.commit_position, k.sequence, s.from_position, s.from_sequence, s.to_position, s.to_sequence)
          and (k.commit_position, k.sequence) > (newest.commit_position, newest.sequence)
          and (k.commit_position, k.sequence) < (passed_row.to_position, passed_row.to_sequence)
        offset 0
      ) k) then
    return;
  end if;
  version := _bemi.key_holder(place, key, to_position, to_sequence);
  if version.id is not null then return next version; end if;
end $$;

create or replace function _bemi.passed_keys(place _bemi.place, to_position bigint default 9223372036854775807,
                                  to_sequence bigint default 0)
returns table (key text) language sql stable set search_path = pg_catalog, pg_temp as $$
  select k.previous_key from _bemi.segments(place) s join _bemi.passes(place) p on true
  join _bemi.key_change k on k."table" = s."table" and k.schema = s.schema and k.commit_position = p.commit_position
  where k.source = place.source and k.epoch = place.epoch and k.effective_at <= place.at
    and (k.commit_position, k.sequence) < (passed_keys.to_position, passed_keys.to_sequence)
  union
  select t.key from _bemi.keys_deleted_in_passes(place, to_position, to_sequence) t
  -- Rows that are made and deleted in one transaction are many, and hardly ever passed their key on.
  where t.came <> t.went or t.moved or exists (
    select from _bemi.segments(place) s cross join lateral (
      select from @schema@.changes c
      where c."table" = s."table" and c.primary_key = t.key and c.effective_at <= t.effective_at
        and c.schema = s.schema and c.source = place.source and c.epoch = place.epoch
        and c.commit_position < t.commit_position
        and _bemi.is_in(c.commit_position, c.sequence, s.from_position, s.from_sequence, s.to_position, s.to_sequence)
      offset 0
    ) earlier)
$$;

-- The keys of rows that were deleted in such transactions: how many rows came to each and went, and whether one came
-- by an update.
create or replace function _bemi.keys_deleted_in_passes(place _bemi.place, before_position bigint,
  before_sequence bigint)
returns table (key text, commit_position bigint, effective_at timestamptz, came bigint, went bigint, moved boolean)
language sql stable set search_path = pg_catalog, pg_temp as $$
  select c.primary_key, c.commit_position, c.effective_at, count(*) filter (where c.operation = 'CREATE'),
         count(*) filter (where c.operation = 'DELETE'), coalesce(bool_or(c.operation = 'UPDATE' and exists (
           select from _bemi.key_change k
           where k.effective_at = c.effective_at and k.commit_position = c.commit_position
             and k.sequence = c.sequence and k."table" = c."table" and k.schema = c.schema
             and k.source = c.source and k.epoch = c.epoch)), false)
  from _bemi.segments(place) s join _bemi.key_pass p on p.schema = s.schema and p."table" = s."table"
  join @schema@.changes c on c."table" = s."table" and c.schema = s.schema and c.effective_at = p.effective_at
    and c.commit_position = p.commit_position
  where p.source = place.source and p.epoch = place.epoch and p.effective_at <= place.at
    and c.source = place.source and c.epoch = place.epoch and c.primary_key is not null
    and c.operation in ('CREATE', 'UPDATE', 'DELETE')
    and (c.commit_position, c.sequence) < (before_position, before_sequence)
  group by c.primary_key, c.commit_position, c.effective_at
  having count(*) filter (where c.operation = 'DELETE') > 0
$$;

create or replace function _bemi.passed_rows(place _bemi.place, keys text[] default null)
returns setof bemi.row_version
language sql stable rows 10 set search_path = pg_catalog, pg_temp as $$
  select c.primary_key, r."row", r.exact, r.fidelity, c.operation, c.effective_at, c.context
  from _bemi.passed_keys(place) k cross join lateral _bemi.passed_row(place, k.key) c
  cross join lateral _bemi.reshape(
    case when place.mixed then _bemi.map_of(place, c.commit_position, c.sequence) end, c.after, c.exact -> 'after',
    c.fidelity -> 'after') r
  where passed_rows.keys is null or k.key in (select unnest(passed_rows.keys))
$$;
