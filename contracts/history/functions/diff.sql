-- The rows of a table that differ between two times; rows without a key by their content, as often as they are there.

-- Only what changed between them is read, unless something else than changes can have made rows differ.
create or replace function bemi.diff(name text, from_time timestamptz, to_time timestamptz, source text default null,
                          partial boolean default false, allow_stale boolean default false)
returns table (primary_key text, operation text, before jsonb, after jsonb, changed jsonb)
language plpgsql stable set search_path = pg_catalog, pg_temp set jit = off as $$
declare
  old constant _bemi.place := _bemi.find_place(name, from_time, source, partial, allow_stale);
  new constant _bemi.place := _bemi.find_place(name, to_time, source, partial, allow_stale);
  is_by_changes constant boolean := _bemi.is_diff_by_changes(old, new);
begin
  return query
  select d.primary_key,
         case when d.was is null then 'CREATE' when d.became is null then 'DELETE' else 'UPDATE' end,
         coalesce(d.was, '{}'), coalesce(d.became, '{}'),
         _bemi.difference(coalesce(d.was, '{}'), coalesce(d.became, '{}'))
  from (select * from _bemi.diff_by_changes(old, new, partial) where is_by_changes
        union all
        select * from _bemi.diff_of_tables(old, new) where not is_by_changes) d
  order by length(d.primary_key), 1;
end $$;

-- Whether rows differ only where they have changes between the two times: it is one table in one shape, its rows have
-- keys, and it was neither emptied nor read anew. A checkpoint only repeats what was there.
create or replace function _bemi.is_diff_by_changes(old _bemi.place, new _bemi.place) returns boolean
language plpgsql stable set search_path = pg_catalog, pg_temp set plan_cache_mode = force_custom_plan as $$
declare
  stretch constant _bemi.place := _bemi.over_checkpoints(old, new);
begin
  return old.at <= new.at and (old.source, old.epoch, old.relation) = (new.source, new.epoch, new.relation)
    and not exists (
      select from _bemi.coverage c
      where c.source = new.source and c.epoch = new.epoch and c.relation = new.relation and not c.checkpoint
        and c.position > least(old.since, new.since) and c.position <= greatest(old.since, new.since))
    and not exists (
      select from _bemi.relation_version v
      where v.source = new.source and v.epoch = new.epoch and v.relation = new.relation and v.effective_at <= new.at
        and not v.dropped
        and (v.primary_key = '{}' or v.effective_at > old.at
             and (v.columns, coalesce(v.unsent, '{}')) <> (old.columns, old.unsent)))
    and not exists (
      select from _bemi.segments(stretch) s join @schema@.changes c on c."table" = s."table" and c.schema = s.schema
      where c.operation = 'TRUNCATE' and c.source = new.source and c.epoch = new.epoch
        and c.effective_at > old.at and c.effective_at <= new.at)
    and not exists (
      select from _bemi.segments(stretch) s join @schema@.changes c on c."table" = s."table" and c.schema = s.schema
      where c.primary_key is null and c.operation <> 'SCHEMA' and c.source = new.source and c.epoch = new.epoch
        and c.effective_at > old.at and c.effective_at <= new.at);
end $$;

-- The later place, with what happened since the earlier one although a checkpoint came between.
create or replace function _bemi.over_checkpoints(old _bemi.place, new _bemi.place) returns _bemi.place
language plpgsql immutable set search_path = pg_catalog, pg_temp as $$
begin
  new.since := old.since;
  new.since_time := old.since_time;
  return new;
end $$;

-- The keys that something happened to between the two times, with the row that the first change replaced and the one
-- that the last change left; null: none. `is_told`: the first change tells the row before it.
create or replace function _bemi.changed_rows(old _bemi.place, new _bemi.place)
returns table (key text, is_told boolean, was jsonb, was_exact jsonb, became jsonb, became_exact jsonb)
language plpgsql stable set search_path = pg_catalog, pg_temp set plan_cache_mode = force_custom_plan as $$
declare
  place constant _bemi.place := _bemi.over_checkpoints(old, new);
begin
  return query
  select distinct on (e.key) e.key, first_value(e.is_told) over in_order, first_value(e.was) over in_order,
         first_value(e.was_exact) over in_order, e.became, e.became_exact
  from _bemi.segments(place) s
  join @schema@.changes c on c."table" = s."table" and c.schema = s.schema
    and _bemi.is_in(c.commit_position, c.sequence, s.from_position, s.from_sequence, s.to_position, s.to_sequence)
  left join _bemi.key_change k on k."table" = c."table" and k.schema = c.schema and k.source = c.source
    and k.epoch = c.epoch and k.commit_position = c.commit_position and k.sequence = c.sequence
    and k.effective_at = c.effective_at
  cross join lateral (
    select c.primary_key as key, k.previous_key is not null or c.operation <> 'SNAPSHOT' and not exists (
             select from jsonb_each_text(c.fidelity -> 'before') f where f.value <> 'redacted') as is_told,
           case when k.previous_key is null and c.operation in ('UPDATE', 'DELETE') then c.before end as was,
           c.exact -> 'before' as was_exact, case when c.operation <> 'DELETE' then c.after end as became,
           c.exact -> 'after' as became_exact, c.commit_position, c.sequence
    union all
    select k.previous_key, c.fidelity -> 'before' is null, c.before, c.exact -> 'before', null, null,
           c.commit_position, c.sequence
    where k.previous_key is not null
  ) e
  where c.source = place.source and c.epoch = place.epoch and c.effective_at > old.at and c.effective_at <= place.at
    and c.operation <> 'SCHEMA'
    and not (c.operation = 'SNAPSHOT' and exists (
      select from _bemi.coverage o where o.checkpoint and o.source = place.source and o.epoch = place.epoch
        and o.position = c.commit_position))
  window in_order as (partition by e.key order by e.commit_position, e.sequence)
  order by e.key, e.commit_position desc, e.sequence desc;
end $$;

-- Where keys passed from row to row, changes do not tell which row had one, nor where not all earlier ones are known:
-- then each of the keys is asked.
create or replace function _bemi.diff_by_changes(old _bemi.place, new _bemi.place, partial boolean)
returns table (primary_key text, was jsonb, became jsonb)
language sql stable set search_path = pg_catalog, pg_temp as $$
  with passing as materialized (
    select _bemi.has_passes(new) as is_possible
  ), changed as materialized (
    select c.*, c.is_told and not partial and not p.is_possible as is_earlier_told
    from _bemi.changed_rows(old, new) c cross join passing p
  ), asked as materialized (
    select array(select c.key from changed c where not c.is_earlier_told) as earlier,
           array(select c.key from changed c, passing p where p.is_possible) as passed
  ), a as (
    select c.key, c.was as "row", c.was_exact as exact from changed c where c.is_earlier_told and c.was is not null
    union all
    select r.primary_key, r."row", r.exact from asked, _bemi.rows_of_keys(old, asked.earlier) r
    union all
    select r.primary_key, r."row", r.exact from asked, passing p, _bemi.passed_rows(old, asked.passed) r
    where p.is_possible
  ), b as (
    select c.key, c.became as "row", c.became_exact as exact from changed c, passing p
    where c.became is not null and not p.is_possible
    union all
    select r.primary_key, r."row", r.exact from asked, passing p, _bemi.rows_of_keys(new, asked.passed, old.at) r
    where p.is_possible
    union all
    select r.primary_key, r."row", r.exact from asked, passing p, _bemi.passed_rows(new, asked.passed) r
    where p.is_possible
  )
  select key, a."row", b."row" from a full join b using (key)
  where (a."row"::text, a.exact) is distinct from (b."row"::text, b.exact)
$$;

create or replace function _bemi.diff_of_tables(old _bemi.place, new _bemi.place)
returns table (primary_key text, was jsonb, became jsonb)
language sql stable set search_path = pg_catalog, pg_temp as $$
  with a as (
    select r.*, coalesce(r.primary_key, concat(r."row", r.exact, ' ', row_number() over (
                  partition by r.primary_key, case when r.primary_key is null then concat(r."row",
                    r.exact) end))) as name
    from _bemi.rows_of(old) r
  ), b as (
    select r.*, coalesce(r.primary_key, concat(r."row", r.exact, ' ', row_number() over (
                  partition by r.primary_key, case when r.primary_key is null then concat(r."row",
                    r.exact) end))) as name
    from _bemi.rows_of(new) r
  )
  select coalesce(a.primary_key, b.primary_key), a."row", b."row" from a full join b using (name)
  where (a."row"::text, a.exact) is distinct from (b."row"::text, b.exact)
$$;

comment on function bemi.diff(text, timestamptz, timestamptz, text, boolean, boolean) is
  'The rows of a table that differ between two times.';
