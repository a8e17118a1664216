-- The signed messages that tell the worker of DDL; src/decode/schema_change.cpp reads them.

-- Not counted rather than waited for, when another transaction notes the same.
create or replace function _bemi_source.note_failure(said text) returns void
language plpgsql set search_path = pg_catalog, pg_temp set lock_timeout = '1ms' as $$
begin
  -- A name of the application's is in many messages: they are not to grow without end.
  if (select count(*) from _bemi_source.trigger_failure) >= 200 then said := 'others'; end if;
  insert into _bemi_source.trigger_failure as failure values (left(said, 500), 1, now())
  on conflict (message) do update set count = failure.count + 1, last_at = excluded.last_at;
exception when lock_not_available then
end $$;

-- HMAC-SHA256.
create or replace function _bemi_source.signature(content bytea) returns text
language plpgsql stable set search_path = pg_catalog, pg_temp as $$
begin
  return (select encode(sha256(outer_key || sha256(inner_key || content)), 'hex') from _bemi_source.signing_key);
end $$;

-- Distinguishes our own DDL within the triggers from everybody else's. It holds for one transaction.
create or replace function _bemi_source.own_token() returns text
language plpgsql stable set search_path = pg_catalog, pg_temp as $$
begin
  return (select _bemi_source.signature(convert_to('own ' || pg_current_xact_id()::text, 'UTF8')));
end $$;

-- Whether a command is our own: nobody else can make the token, and few ever set it.
create or replace function _bemi_source.is_own() returns boolean
language plpgsql stable set search_path = pg_catalog, pg_temp as $$
begin
  return current_setting('bemi.own_ddl', true) <> ''
    and current_setting('bemi.own_ddl', true) = _bemi_source.own_token();
end $$;

-- Runs DDL of ours, which the triggers do not follow. When it fails, the setting goes with the savepoint.
create or replace function _bemi_source.run_own(command text) returns void
language plpgsql set search_path = pg_catalog, pg_temp as $$
begin
  perform set_config('bemi.own_ddl', _bemi_source.own_token(), true);
  execute command;
  perform set_config('bemi.own_ddl', '', true);
end $$;

-- A message of a rolled-back savepoint can reach the worker, in a transaction that is streamed while it is open:
-- `xid` is the savepoint's. `top` binds the signature to this transaction.
create or replace function _bemi_source.emit(command text, about json, marks json default '{}') returns void
language plpgsql set search_path = pg_catalog, pg_temp as $$
declare
  marked_xid xid;
  place tid;
  content text;
begin
  insert into _bemi_source.mark values (true) returning xmin, ctid into marked_xid, place;
  delete from _bemi_source.mark where ctid = place;
  content := json_build_object(
    'v', 2, 'command', command, 'sql', left(current_query(), 65536), 'top', pg_current_xact_id()::text::numeric,
    'xid', marked_xid::text::bigint, 'marks', marks, 'table', about);
  perform pg_logical_emit_message(true, '_bemi_schema',
    convert_to(_bemi_source.signature(convert_to(content, 'UTF8')) || content, 'UTF8'));
end $$;
