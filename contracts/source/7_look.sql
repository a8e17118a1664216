-- What the triggers did not see: they were switched off, or failed. The worker asks now and then.

-- Tells every table that is another than it was told to be, since the worker looked last; how many there were.
create or replace function _bemi_source.look(looked_at timestamptz, looked_position pg_lsn) returns bigint
language plpgsql security definer set search_path = pg_catalog, pg_temp set lock_timeout = '100ms' as $$
declare
  subject oid;
  described json;
  differing bigint := 0;
begin
  perform set_config('bemi.own_ddl', _bemi_source.own_token(), true);
  for subject in
    select named.oid from pg_class named left join _bemi_source.shape s on s.relation = named.oid
    where named.relkind in ('r', 'p') and named.relpersistence = 'p' and not named.relispartition
      and (s.relation is not null or _bemi_source.is_published(named.oid))
      and s.version is distinct from _bemi_source.version_of(named.oid)
  loop
    described := _bemi_source.describe(subject);
    if _bemi_source.remember(subject, described) = 'shape' then
      differing := differing + 1;
      perform _bemi_source.emit('unknown', described, json_build_object('rewritten', true, 'unseen_since',
        json_build_object('time', (extract(epoch from looked_at) * 1000000)::bigint, 'position', looked_position)));
    end if;
    if not _bemi_source.is_wanted(subject) then perform _bemi_source.leave(subject); end if;
  end loop;
  perform _bemi_source.labels_changed(named.oid) from pg_type named where named.typtype = 'e'
    and not exists (select from _bemi_source.enum_labels e where e.type = named.oid);
  perform set_config('bemi.own_ddl', '', true);
  return differing;
end $$;
