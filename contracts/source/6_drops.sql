-- Handles dropped tables, and tables that lose a column or their key by a drop.

-- Tables of ours that are gone. One that was not listed may have been a partition: only the worker knows yet.
create or replace function _bemi_source.tell_dropped(command text) returns void
language plpgsql set search_path = pg_catalog, pg_temp as $$
declare dropped record;
begin
  for dropped in
    select gone.objid, gone.schema_name, gone.object_name, exists (
             select from pg_event_trigger_dropped_objects() listed
             join _bemi_source.tracking on tracking.publication = listed.address_args[1]
             where listed.object_type = 'publication relation'
               and listed.address_names = array[gone.schema_name, gone.object_name]) as is_listed
    from pg_event_trigger_dropped_objects() gone
    where gone.object_type in ('table', 'foreign table') and not gone.is_temporary
  loop
    delete from _bemi_source.shape s where s.relation = dropped.objid;
    delete from _bemi_source.given_identity given where given.relation = dropped.objid;
    perform _bemi_source.emit(command,
      json_build_object('oid', dropped.objid::bigint, 'schema', dropped.schema_name, 'table', dropped.object_name),
      json_build_object('dropped', true, 'listed', dropped.is_listed));
  end loop;
end $$;

-- Tables that somebody took out of the publication: they change unseen from now on.
create or replace function _bemi_source.tell_unlisted(command text) returns void
language plpgsql set search_path = pg_catalog, pg_temp as $$
declare unlisted record;
begin
  for unlisted in
    select named.oid, place.nspname, named.relname
    from pg_event_trigger_dropped_objects() gone
    join _bemi_source.tracking on tracking.publication = gone.address_args[1]
    join pg_namespace place on place.nspname = gone.address_names[1]
    join pg_class named on named.relname = gone.address_names[2] and named.relnamespace = place.oid
    where gone.object_type = 'publication relation'
  loop
    perform _bemi_source.emit(command,
      json_build_object('oid', unlisted.oid::bigint, 'schema', unlisted.nspname, 'table', unlisted.relname),
      '{"unseen": true}');
  end loop;
end $$;

-- Tables that are there still, and lost a column, a constraint or an index.
create or replace function _bemi_source.reached_by_drop() returns setof oid
language sql volatile set search_path = pg_catalog, pg_temp as $$
  select gone.objid from pg_event_trigger_dropped_objects() gone
  where gone.object_type = 'table column' and not gone.is_temporary
  union
  select named.oid from pg_event_trigger_dropped_objects() gone
  join pg_namespace place on place.nspname = gone.address_names[1]
  join pg_class named on named.relname = gone.address_names[2] and named.relnamespace = place.oid
  where gone.object_type = 'table constraint' and not gone.is_temporary
  union
  -- An index says no longer whose it was.
  select named.oid from _bemi_source.locked() named
  where named.relreplident = 'i' and not _bemi_source.is_identified(named)
$$;

-- A part that ALTER TABLE removes is reported at the command's end, which names the table.
create or replace function _bemi_source.track_drop() returns event_trigger
language plpgsql security definer set search_path = pg_catalog, pg_temp set plan_cache_mode = force_generic_plan as $$
declare
  tables boolean;
  memberships boolean;
  types boolean;
  parts boolean;
  reached oid;
begin
  select bool_or(gone.object_type in ('table', 'foreign table')), bool_or(gone.object_type = 'publication relation'),
         bool_or(gone.classid = 'pg_type'::regclass),
         bool_or(gone.object_type in ('table column', 'table constraint', 'index')) and tg_tag <> 'ALTER TABLE'
  into tables, memberships, types, parts
  from pg_event_trigger_dropped_objects() gone where not gone.is_temporary;
  if not (tables or memberships or types or parts) or _bemi_source.is_own() then return; end if;
  if tables then perform _bemi_source.tell_dropped(tg_tag); end if;
  if memberships then perform _bemi_source.tell_unlisted(tg_tag); end if;
  if types then
    delete from _bemi_source.enum_labels e using pg_event_trigger_dropped_objects() gone
    where gone.classid = 'pg_type'::regclass and gone.objid = e.type;
  end if;
  if not parts then return; end if;
  for reached in
    select r.oid from _bemi_source.reached_by_drop() r (oid) join pg_class named on named.oid = r.oid
    where named.relkind in ('r', 'p') and named.relpersistence in ('p', 'u')
  loop
    begin
      perform _bemi_source.track_relation(reached, tg_tag, false);
    exception when others then
      perform _bemi_source.note_failure(sqlerrm);
    end;
  end loop;
exception when others then
  perform _bemi_source.note_failure(sqlerrm);
end $$;
