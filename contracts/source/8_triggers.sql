-- Only the event triggers call these functions; the worker, which reads the key, may call look().
do $$
declare made record;
begin
  for made in
    select function.oid::pg_catalog.regprocedure as signature, granted.grantee
    from pg_catalog.pg_proc function
    cross join lateral pg_catalog.aclexplode(coalesce(function.proacl,
                                                      pg_catalog.acldefault('f', function.proowner))) granted
    where function.pronamespace = '_bemi_source'::pg_catalog.regnamespace and granted.grantee <> function.proowner
      and (function.proname <> 'look' or granted.grantee = 0
           or not pg_catalog.has_table_privilege(granted.grantee, '_bemi_source.signing_key', 'select'))
  loop
    execute pg_catalog.format('revoke all on function %s from %s', made.signature,
      case when made.grantee = 0 then 'public' else made.grantee::pg_catalog.regrole::text end);
  end loop;
end $$;

-- For every command: a change of a table is recognised by its result, not by the command's name. They also fire in
-- sessions that replicate.
drop event trigger if exists bemi_track_ddl;
drop event trigger if exists bemi_track_drop;
drop event trigger if exists bemi_track_rewrite;
create event trigger bemi_track_rewrite on table_rewrite execute function _bemi_source.track_rewrite();
create event trigger bemi_track_ddl on ddl_command_end execute function _bemi_source.track_ddl();
create event trigger bemi_track_drop on sql_drop execute function _bemi_source.track_drop();
alter event trigger bemi_track_rewrite enable always;
alter event trigger bemi_track_ddl enable always;
alter event trigger bemi_track_drop enable always;
insert into _bemi_source.guard (state) values (_bemi_source.trigger_state()) on conflict do nothing;

-- Functions of earlier versions in this schema.
drop function if exists _bemi_source.reached(), _bemi_source.tell_publication(), _bemi_source.version_of(oid),
  _bemi_source.missing_text(pg_catalog.pg_attribute, oid[]), _bemi_source.remember(oid, json);

-- Functions of earlier versions in the history's schema.
drop function if exists _bemi.track_ddl(), _bemi.track_drop(), _bemi.track_rewrite(), _bemi.track_relation(oid, text),
  _bemi.settle_identity(oid, boolean), _bemi.is_narrowly_published(oid), _bemi.describe(oid),
  _bemi.missing_text(pg_catalog.pg_class, pg_catalog.pg_attribute), _bemi.type_form(oid),
  _bemi.uses_type(oid, oid, oid), _bemi.note_failure(text),
  _bemi.emit_schema(text, boolean, boolean, json), _bemi.emit_schema(text, boolean, boolean, json, boolean),
  _bemi.emit_schema(text, boolean, boolean, json, boolean, boolean);
drop table if exists _bemi.trigger_failure, _bemi.ddl_mark;
