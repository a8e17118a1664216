-- Bemi's own tables in a database that it tracks. Their schema belongs to the role that may make event triggers,
-- often a superuser, and no role with fewer rights may ever own anything in it. The history's schema `_bemi` can have
-- another owner.
--
-- All of contracts/source/ is applied as a whole, and again whenever it differs from what is installed.

create schema if not exists _bemi_source;
revoke all on schema _bemi_source from public;

-- The selection that the worker tracks, as `bemi init` or `bemi run` got it.
create table if not exists _bemi_source.tracking (
  only_row boolean primary key default true check (only_row),
  publication name not null,
  whole_rows boolean not null,   -- new tables get REPLICA IDENTITY FULL
  history_schema name            -- of the table `changes`, when the history is in this database
);

-- Which tables: regular expressions over the schema's name and the table's.
create table if not exists _bemi_source.pattern (
  id int primary key,
  excludes boolean not null,
  schema_pattern text not null,
  table_pattern text not null
);

-- A schema whose tables are copies of the past, made by `bemi checkout`.
create table if not exists _bemi_source.copy_schema (name name primary key);

-- Signs what the event triggers say, so that the worker believes them alone: any role may write a message into
-- the WAL. The padded keys are those of HMAC (RFC 2104).
create table if not exists _bemi_source.signing_key (
  only_row boolean primary key default true check (only_row),
  inner_key bytea not null,
  outer_key bytea not null
);

-- Each tracked table as the worker was told last: a digest of its description, and of the catalog's row versions.
create table if not exists _bemi_source.shape (
  relation oid primary key,
  description bytea not null,
  version bytea not null
);

-- The labels of each enum: a new one changes no value that is there, a renamed one does.
create table if not exists _bemi_source.enum_labels (
  type oid primary key,
  labels jsonb not null  -- {"label's oid": "label"}
);

-- The replica identity that the event triggers gave a table last: `bemi teardown` takes no other one back.
create table if not exists _bemi_source.given_identity (
  relation oid primary key,
  identity pg_catalog."char" not null  -- as pg_class.relreplident
);

-- The event triggers as they were when the worker looked last: somebody may switch them off, and on again.
create table if not exists _bemi_source.guard (
  only_row boolean primary key default true check (only_row),
  state text not null
);

-- The statements below replace the triggers. Somebody may have disabled them before: the worker's next look must find
-- that.
do $$
begin
  if pg_catalog.to_regprocedure('_bemi_source.trigger_state()') is not null then
    delete from _bemi_source.guard where state = _bemi_source.trigger_state();
  end if;
end $$;

create table if not exists _bemi_source.trigger_failure (
  message text primary key,
  count bigint not null,
  last_at timestamptz not null
);

-- The tables that the commands of a transaction rewrite, until the command's end, which tells it.
create unlogged table if not exists _bemi_source.rewritten (transaction xid8, relation oid);

-- Which of these files are installed, and with which settings.
create table if not exists _bemi_source.installed (
  only_row boolean primary key default true check (only_row),
  digest text not null
);

-- A row's xmin tells the id of the savepoint that writes it; no function does. Unlogged: no publication has it.
create unlogged table if not exists _bemi_source.mark (marked boolean);

comment on table _bemi_source.tracking is
  'The tracking options that bemi init or bemi run was given.';
comment on table _bemi_source.pattern is
  'The tables to track: regular expressions over schema and table name.';
comment on table _bemi_source.copy_schema is
  'Schemas with copies of the past, made by bemi checkout.';
comment on table _bemi_source.signing_key is
  'The key that signs the event triggers'' messages; the padded keys of HMAC (RFC 2104).';
comment on table _bemi_source.shape is
  'Digests of each tracked table''s description, as last told to the worker.';
comment on table _bemi_source.enum_labels is
  'The labels of each enum type.';
comment on table _bemi_source.given_identity is
  'The replica identity that the event triggers last gave a table; teardown takes back no other one.';
comment on table _bemi_source.guard is
  'The state of the event triggers at the worker''s last look.';
comment on table _bemi_source.trigger_failure is
  'Errors inside the event triggers, which never fail the application''s DDL.';
comment on table _bemi_source.rewritten is
  'Tables that the current transaction has rewritten.';
comment on table _bemi_source.installed is
  'The digest of the installed files and settings.';
comment on table _bemi_source.mark is
  'A scratch table whose xmin tells the id of the current savepoint.';
comment on column _bemi_source.enum_labels.type is 'The enum''s oid';
comment on column _bemi_source.enum_labels.labels is 'The labels by their oids, as JSON';
comment on column _bemi_source.given_identity.identity is 'As pg_class.relreplident';
comment on column _bemi_source.guard.only_row is 'Always true: there is one row';
comment on column _bemi_source.guard.state is 'The state in words';
comment on column _bemi_source.installed.only_row is 'Always true: there is one row';
comment on column _bemi_source.installed.digest is 'The digest';
comment on column _bemi_source.mark.marked is 'Always true';
comment on column _bemi_source.pattern.id is 'The pattern''s order';
comment on column _bemi_source.pattern.excludes is 'True if matching tables are not tracked';
comment on column _bemi_source.pattern.schema_pattern is 'The regular expression for the schema';
comment on column _bemi_source.pattern.table_pattern is 'The regular expression for the table';
comment on column _bemi_source.rewritten.transaction is 'The transaction''s id';
comment on column _bemi_source.shape.description is 'The digest of the description';
comment on column _bemi_source.shape.version is 'The digest of the catalog''s row versions';
comment on column _bemi_source.signing_key.only_row is 'Always true: there is one row';
comment on column _bemi_source.signing_key.inner_key is 'The inner padded key';
comment on column _bemi_source.signing_key.outer_key is 'The outer padded key';
comment on column _bemi_source.tracking.only_row is 'Always true: there is one row';
comment on column _bemi_source.tracking.publication is 'The publication''s name';
comment on column _bemi_source.tracking.whole_rows is 'True if new tables get REPLICA IDENTITY FULL';
comment on column _bemi_source.tracking.history_schema is 'The schema of changes, if the history is in this database';
comment on column _bemi_source.trigger_failure.message is 'The error message';
comment on column _bemi_source.trigger_failure.count is 'The number of times it occurred';
comment on column _bemi_source.trigger_failure.last_at is 'The time when it occurred last';

-- Default privileges may have given others rights. The worker's right to read the key was given later.
do $$
declare place record;
begin
  for place in
    select named.relname, granted.grantee
    from pg_catalog.pg_class named
    cross join lateral pg_catalog.aclexplode(named.relacl) granted
    where named.relnamespace = '_bemi_source'::pg_catalog.regnamespace and granted.grantee <> named.relowner
      and (named.relname <> 'signing_key' or not exists (select from _bemi_source.signing_key))
  loop
    execute pg_catalog.format('revoke all on _bemi_source.%I from %s', place.relname,
      case when place.grantee = 0 then 'public' else place.grantee::pg_catalog.regrole::text end);
  end loop;
end $$;

do $$
declare secret bytea := pg_catalog.sha256(pg_catalog.convert_to(
  pg_catalog.concat(pg_catalog.gen_random_uuid(), pg_catalog.gen_random_uuid(), pg_catalog.gen_random_uuid()), 'UTF8'));
begin
  insert into _bemi_source.signing_key (inner_key, outer_key)
  select pg_catalog.decode(pg_catalog.string_agg(pg_catalog.lpad(pg_catalog.to_hex(bits.byte # 54), 2, '0'), ''
                                                 order by bits.place), 'hex'),
         pg_catalog.decode(pg_catalog.string_agg(pg_catalog.lpad(pg_catalog.to_hex(bits.byte # 92), 2, '0'), ''
                                                 order by bits.place), 'hex')
  from (select place, case when place < 32 then pg_catalog.get_byte(secret, place) else 0 end as byte
        from pg_catalog.generate_series(0, 63) place) bits
  on conflict do nothing;
end $$;
