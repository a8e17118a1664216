-- Finds what the triggers did not see because they were disabled or failed. The worker calls it now and then.

-- Another text whenever somebody changed the event triggers or what they run, though they be again what they were.
create or replace function _bemi_source.trigger_state() returns text
language plpgsql stable set search_path = pg_catalog, pg_temp as $$
begin
  return (select coalesce(string_agg(concat_ws(' ', trigger.evtname, trigger.oid, trigger.xmin, trigger.evtenabled,
                                               function.oid, function.xmin), ', ' order by trigger.evtname), '')
          from pg_event_trigger trigger left join pg_proc function on function.oid = trigger.evtfoid
          where trigger.evtname in ('bemi_track_ddl', 'bemi_track_drop', 'bemi_track_rewrite'));
end $$;

-- Tells every table that is another than it was told to be, since the worker looked last; how many there were. A table
-- that merely got new rights has another row in the catalog, too: that counts only when nobody watched.
create or replace function _bemi_source.look(looked_at timestamptz, looked_position pg_lsn) returns bigint
language plpgsql security definer set search_path = pg_catalog, pg_temp set lock_timeout = '100ms' as $$
declare
  subject record;
  differing bigint := 0;
  state text := _bemi_source.trigger_state();
  unwatched boolean := state is distinct from (select guard.state from _bemi_source.guard);
  difference text;
begin
  -- The actual and the reported shape in one snapshot: an application's command may come in between.
  for subject in
    select named.oid as relation, _bemi_source.describe(named.oid) as described, now.version, s.version as told_version
    from pg_class named join _bemi_source.version now on now.relation = named.oid
    left join _bemi_source.shape s on s.relation = named.oid
    where named.relkind in ('r', 'p') and named.relpersistence = 'p' and not named.relispartition
      and (s.relation is not null or exists (
        select from pg_publication_rel listed join pg_publication publication on publication.oid = listed.prpubid
        join _bemi_source.tracking on tracking.publication = publication.pubname where listed.prrelid = named.oid))
      and s.version is distinct from now.version
  loop
    -- Told meanwhile: the next look compares again.
    perform from _bemi_source.shape s
    where s.relation = subject.relation and s.version = subject.told_version for update skip locked;
    continue when not found and subject.told_version is not null;
    difference := _bemi_source.remember(subject.relation, subject.described, subject.version);
    if difference = 'shape' or unwatched and difference = 'version' then
      differing := differing + 1;
      perform _bemi_source.emit('unknown', subject.described, json_build_object('rewritten', true, 'unseen_since',
        json_build_object('time', (extract(epoch from looked_at) * 1000000)::bigint, 'position', looked_position)));
    end if;
    if not _bemi_source.is_wanted(subject.relation) then
      perform _bemi_source.give_up(subject.relation, 'unknown');
    end if;
  end loop;
  perform _bemi_source.labels_changed(named.oid) from pg_type named where named.typtype = 'e'
    and not exists (select from _bemi_source.enum_labels e where e.type = named.oid);
  insert into _bemi_source.guard as guard (state) values (state) on conflict (only_row) do update
  set state = excluded.state where guard.state <> excluded.state;
  return differing;
end $$;
