-- Checkpoints: the rows that all tables had at one moment, written as SNAPSHOT changes of it, from where later
-- questions start. Older partitions of `changes` are then needed by earlier questions alone.

-- Another id than any change of the stream has: derived as those are, in another way.
create or replace function _bemi.checkpoint_id(source text, epoch int, commit_position bigint, sequence bigint,
  at timestamptz)
returns uuid language sql immutable set search_path = pg_catalog, pg_temp as $$
  select (lpad(to_hex((extract(epoch from at) * 1000)::bigint), 12, '0') || '8' || substr(hash, 1, 3)
          || to_hex(8 + (('x' || substr(hash, 4, 1))::bit(4)::int & 3)) || substr(hash, 5, 15))::uuid
  from md5(concat_ws('/', 'checkpoint', source, checkpoint_id.epoch, commit_position, sequence)) hash
$$;

-- Behind all that was committed before the moment, and before all that comes: commits end on multiples of eight.
create or replace function _bemi.checkpoint_position(place _bemi.place) returns bigint
language sql stable set search_path = pg_catalog, pg_temp as $$
  select greatest(place.since, e.consistent_point - '0/0', (
           select c.commit_position from @schema@.changes c
           where c.source = place.source and c.epoch = place.epoch and c.effective_at <= place.at
           order by c.effective_at desc, c.commit_position desc limit 1)) + 1
  from _bemi.epoch e where e.source = place.source and e.epoch = place.epoch
$$;

-- One table. Where not all of its rows are known, those that are.
create or replace function _bemi.write_checkpoint(in_place _bemi.place, before timestamptz,
  first_sequence bigint) returns bigint
language plpgsql set search_path = pg_catalog, pg_temp as $$
declare
  in_position bigint := _bemi.checkpoint_position(in_place);
  known _bemi.coverage;
  written bigint;
begin
  select * into known from _bemi.coverage c
  where c.source = in_place.source and c.epoch = in_place.epoch and c.relation = in_place.relation and c.since < before
  order by c.position desc limit 1;
  insert into @schema@.changes (id, source, database, schema, "table", primary_key, operation, after, committed_at,
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
          -- The count that the view keeps, less the changes since then.
          (select max(v.changes) from _bemi.view v where v.source = in_place.source and v.relation = in_place.relation)
          - (select count(*) from @schema@.changes c
             where c."table" = in_place."table" and c.schema = in_place.schema and c.source = in_place.source
               and c.epoch = in_place.epoch and c.effective_at >= write_checkpoint.before) + written);
  return written;
end $$;

create or replace function _bemi.is_checkpointed(place _bemi.place, before timestamptz) returns boolean
language sql stable set search_path = pg_catalog, pg_temp as $$
  select exists (
    select from _bemi.coverage c where c.source = place.source and c.epoch = place.epoch
      and c.relation = place.relation and c.checkpoint and c.since = before)
$$;

-- Whether so much happened to a table since its last checkpoint that its rows are little beside it.
create or replace function _bemi.is_checkpoint_worthwhile(place _bemi.place) returns boolean
language sql stable set search_path = pg_catalog, pg_temp as $$
  select exists (
    select from _bemi.view v where v.source = place.source and v.relation = place.relation
      and _bemi.changes_to_read(v, place) > 8 * v.keys + 1000)
$$;

-- From now on, questions before that moment are refused.
create or replace function _bemi.forget(in_source text, before timestamptz) returns void
language plpgsql set search_path = pg_catalog, pg_temp as $$
declare marked text;
begin
  select m.name into marked from _bemi.mark m
  where m.source = in_source and m.effective_at < before and m.protected limit 1;
  if marked is not null then
    raise exception 'the mark % of % is protected, and older than %', marked, in_source, before
      using errcode = 'object_not_in_prerequisite_state', hint = 'bemi mark delete it, or keep the history for longer';
  end if;
  delete from _bemi.mark m where m.source = in_source and m.effective_at < before;
  delete from _bemi.epoch e where e.source = in_source and exists (
    select from _bemi.epoch o where o.source = in_source and o.epoch > e.epoch and o.began_at <= before);
  update _bemi.epoch e set began_at = before where e.source = in_source and e.began_at < before;
  delete from _bemi.key_change k where k.source = in_source and k.effective_at < before;
  delete from _bemi.key_pass p where p.source = in_source and p.effective_at < before;
end $$;

-- The pieces of a table that the worker has put off do not make others wait.
create or replace function _bemi.is_baseline_under_way(in_source text, in_epoch int) returns boolean
language sql stable set search_path = pg_catalog, pg_temp as $$
  select exists (
    select from _bemi.baseline_piece p
    where p.source = in_source and p.epoch = in_epoch and not exists (
      select from _bemi.baseline_left l
      where l.source = p.source and l.epoch = p.epoch and l.relations @> to_jsonb(p.relation)))
$$;

-- Writes a checkpoint of all tables as they were right before `before`, and tells how many rows it has. Once for a
-- moment: asked again it does nothing. With `forget_earlier`, questions about earlier times are refused from then on,
-- and partitions of `changes` that end at or before `before` may be dropped, in the same transaction or at any time
-- later; with `where_worthwhile`, tables of which little happened since their last one are left out:
--
--   select _bemi.checkpoint('2026-10-01 00:00:00+00', forget_earlier => true);
--
-- \pre there is a partition of `changes` that takes rows of that moment. Raises when a source's history is not known
-- to be complete until then, or a baseline is under way. Called by Bemi's writer role.
create or replace function _bemi.checkpoint(before timestamptz, forget_earlier boolean default false,
                                 where_worthwhile boolean default false) returns bigint
language plpgsql set search_path = pg_catalog, pg_temp as $$
declare
  at constant timestamptz := before - interval '1 microsecond';
  s _bemi.source;
  named record;
  place _bemi.place;
  total bigint := 0;
begin
  -- One at a time. Not by an advisory lock, which any role may take.
  lock table _bemi.destination in share row exclusive mode;
  for s in
    select * from _bemi.source o where o.effective_at is not null
      and exists (select from _bemi.epoch e where e.source = o.name and e.began_at < before)
  loop
    if s.effective_at < before and s.state <> 'stopped' then
      raise exception 'the history of % is known until %, not yet for %', s.name, s.effective_at, before
        using errcode = 'object_not_in_prerequisite_state', hint = 'wait with: bemi sync';
    elsif _bemi.is_baseline_under_way(s.name, s.epoch) then
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

-- The tables of which a checkpoint at that moment is worth its rows; none while a baseline is under way.
create or replace function _bemi.tables_worth_checkpoint(before timestamptz) returns text
language sql stable set search_path = pg_catalog, pg_temp as $$
  select coalesce(string_agg(t.name, ', ' order by t.name), '')
  from _bemi.source s
  cross join lateral (
    select format('%I.%I', t.schema, t."table") as name
    from bemi.tables_at(before - interval '1 microsecond', s.name, true, true) t
  ) t
  cross join lateral _bemi.find_place(t.name, before - interval '1 microsecond', s.name, true, true) p
  where s.effective_at >= before and exists (select from _bemi.epoch e where e.source = s.name and e.began_at < before)
    and not _bemi.is_baseline_under_way(s.name, s.epoch)
    and not _bemi.is_checkpointed(p, before) and _bemi.is_checkpoint_worthwhile(p)
$$;
