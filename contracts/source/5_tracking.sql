-- What the event triggers do. Whatever goes wrong in here must not fail the application's DDL: it is counted, and
-- the worker finds by looking what it was not told.

-- The tables that a command reached: those that it named, and those by way of a schema, a publication, a type that
-- changed, or the parent of INHERITS. Only for ddl_command_end. The few rows that there are find theirs by indexes,
-- which the planner cannot know.
create or replace function _bemi_source.reached() returns table (relation oid, command text, named boolean)
language plpgsql set search_path = pg_catalog, pg_temp set enable_seqscan = off set enable_hashjoin = off
set enable_mergejoin = off as $$
#variable_conflict use_column
begin
  return query with recursive commands as (
    select ddl.classid, ddl.objid, ddl.command_tag from pg_event_trigger_ddl_commands() ddl
    where ddl.schema_name is distinct from 'pg_temp'
      and ddl.command_tag not in ('COMMENT', 'GRANT', 'REVOKE', 'SECURITY LABEL', 'CREATE INDEX')
  ), types (type, command) as (
    select t.oid, c.command_tag from commands c join pg_type t on t.oid = c.objid
    where c.classid = 'pg_type'::regclass and case
      when t.typtype = 'e' then case when _bemi_source.labels_changed(t.oid) then c.command_tag !~ '^CREATE' end
      when t.typtype = 'd' then false else c.command_tag !~ '^CREATE' end
    union
    select t.reltype, c.command_tag from commands c join pg_class t on t.oid = c.objid
    where c.classid = 'pg_class'::regclass and c.command_tag !~ '^CREATE' and t.reltype <> 0
    union
    select case when d.classid = 'pg_type'::regclass then d.objid else owner.reltype end, types.command
    from types join pg_depend d on d.refclassid = 'pg_type'::regclass and d.refobjid = types.type
    left join pg_class owner on d.classid = 'pg_class'::regclass and owner.oid = d.objid
    where d.classid = 'pg_type'::regclass or owner.reltype <> 0
  ), found (oid, command, named) as (
    select c.objid, c.command_tag, true from commands c where c.classid = 'pg_class'::regclass
    union
    select t.oid, c.command_tag, false from commands c join pg_class t on t.relnamespace = c.objid
    where c.classid = 'pg_namespace'::regclass and c.command_tag = 'ALTER SCHEMA'
    union
    select listed.prrelid, c.command_tag, false from commands c
    join pg_publication_rel listed on c.classid = 'pg_publication_rel'::regclass and listed.oid = c.objid
      or c.classid = 'pg_publication'::regclass and listed.prpubid = c.objid
    union
    select d.objid, types.command, false from types
    join pg_depend d on d.refclassid = 'pg_type'::regclass and d.refobjid = types.type
      and d.classid = 'pg_class'::regclass
    union
    select _bemi_source.unlisted(), c.command_tag, false from commands c join pg_class root on root.oid = c.objid
    where c.classid = 'pg_class'::regclass and root.relkind = 'p' and c.command_tag = 'ALTER TABLE'
    union
    select child.inhrelid, found.command, false from found
    join pg_class parent on parent.oid = found.oid and parent.relkind = 'r'
    join pg_inherits child on child.inhparent = found.oid
  )
  -- One statement can be several commands: that which makes a table counts before those that alter it.
  select t.oid, max(found.command), bool_or(found.named)
  from found join pg_class t on t.oid = found.oid
  where t.relkind in ('r', 'p') and t.relpersistence in ('p', 'u')
  group by t.oid order by t.oid;
end $$;

-- A type that is reached by its own command has changed what is there (a renamed label or attribute).
create or replace function _bemi_source.is_rewritten(root oid, command text) returns boolean
language plpgsql stable set search_path = pg_catalog, pg_temp as $$
begin
  return command in ('ALTER TYPE', 'ALTER DOMAIN') or exists (
    select from _bemi_source.rewritten r
    where r.transaction = pg_current_xact_id() and coalesce(pg_partition_root(r.relation), r.relation) = root);
end $$;

-- A partition's rows are named by the root. One that is made is told alone: the list of all would make the
-- thousandth dear.
create or replace function _bemi_source.track_partition(leaf oid, root oid, command text) returns void
language plpgsql set search_path = pg_catalog, pg_temp as $$
begin
  if not _bemi_source.is_published(root) or not _bemi_source.settle_identity(leaf, command = 'CREATE TABLE') then
    return;
  end if;
  if command = 'CREATE TABLE' then
    perform _bemi_source.emit(command, json_build_object(
      'oid', root::bigint, 'schema', place.nspname, 'table', named.relname, 'leaf', leaf::bigint))
    from pg_class named join pg_namespace place on place.oid = named.relnamespace where named.oid = root;
  else
    perform _bemi_source.tell(root, command, named => true);
  end if;
end $$;

-- Tells what the table is now, when a command changed it or it is another than it was told to be.
create or replace function _bemi_source.tell(relation oid, command text, named boolean, is_empty boolean default false)
returns void language plpgsql set search_path = pg_catalog, pg_temp as $$
declare
  described json := _bemi_source.describe(relation);
  difference text := _bemi_source.remember(relation, described);
  rewritten boolean := _bemi_source.is_rewritten(relation, command);
begin
  -- A table's own row in the catalog does not tell of its partitions.
  if not (difference = 'shape' or rewritten or named and command !~ 'PUBLICATION' and (
          difference = 'version' or exists (select from pg_class t where t.oid = relation and t.relkind = 'p'))) then
    return;
  end if;
  perform _bemi_source.emit(command, described, json_build_object('empty', is_empty, 'rewritten', rewritten));
end $$;

-- Leaves that came without an identity: an attached table, or a key that was dropped.
create or replace function _bemi_source.settle_leaves(root oid) returns void
language plpgsql set search_path = pg_catalog, pg_temp as $$
declare leaf oid;
begin
  for leaf in
    select part.oid from unnest(_bemi_source.leaves_of(root)) tree (oid) join pg_class part on part.oid = tree.oid
    where part.relkind = 'r' and not _bemi_source.is_identified(part)
  loop
    perform _bemi_source.settle_identity(leaf, false);
  end loop;
end $$;

-- A table that is not to be tracked any more: it changes unseen from now on.
create or replace function _bemi_source.give_up(relation oid, command text) returns void
language plpgsql set search_path = pg_catalog, pg_temp as $$
begin
  perform _bemi_source.leave(relation);
  delete from _bemi_source.shape where shape.relation = give_up.relation;
  perform _bemi_source.emit(command, json_build_object('oid', relation::bigint, 'schema', place.nspname,
                                                       'table', named.relname), '{"unseen": true}')
  from pg_class named join pg_namespace place on place.oid = named.relnamespace where named.oid = relation;
end $$;

create or replace function _bemi_source.track_relation(relation oid, command text, named boolean) returns void
language plpgsql set search_path = pg_catalog, pg_temp set lock_timeout = '1ms' as $$
declare
  subject pg_class;
  published boolean := _bemi_source.is_published(relation);
  is_new boolean := named and command in ('CREATE TABLE', 'CREATE TABLE AS', 'SELECT INTO');
  joins boolean;
begin
  select * into subject from pg_class where oid = relation;
  if subject.relispartition then
    perform _bemi_source.track_partition(relation, pg_partition_root(relation), command);
    return;
  end if;
  if not _bemi_source.is_wanted(relation) then
    if published then
      perform _bemi_source.tell(relation, command, named);
      perform _bemi_source.give_up(relation, command);
    end if;
    return;
  end if;
  if not _bemi_source.settle_identity(relation, is_new) then return; end if;
  if subject.relkind = 'p' and not is_new then perform _bemi_source.settle_leaves(relation); end if;
  joins := not published and _bemi_source.publish(relation);
  if not (published or joins) then return; end if;
  -- The rows that CREATE TABLE AS brings were written before the table was published.
  perform _bemi_source.tell(relation, command, named or joins, is_empty => is_new and command = 'CREATE TABLE');
end $$;

-- Our own publication was changed by somebody: what was left out meanwhile is not known.
create or replace function _bemi_source.tell_publication() returns void
language plpgsql set search_path = pg_catalog, pg_temp as $$
begin
  if exists (
    select from pg_event_trigger_ddl_commands() ddl
    join pg_publication publication on publication.oid = ddl.objid
    join _bemi_source.tracking on tracking.publication = publication.pubname
    where ddl.classid = 'pg_publication'::regclass and ddl.command_tag = 'ALTER PUBLICATION') then
    perform _bemi_source.emit('ALTER PUBLICATION', '{}', '{"publication": true}');
  end if;
end $$;

create or replace function _bemi_source.track_ddl() returns event_trigger
language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
declare command record;
begin
  if not exists (select from pg_event_trigger_ddl_commands() ddl where ddl.schema_name is distinct from 'pg_temp') then
    return;
  end if;
  if current_setting('bemi.own_ddl', true) = _bemi_source.own_token() then return; end if;
  perform set_config('bemi.own_ddl', _bemi_source.own_token(), true);
  perform _bemi_source.tell_publication();
  for command in select * from _bemi_source.reached() loop
    begin
      perform _bemi_source.track_relation(command.relation, command.command, command.named);
    exception when others then
      perform _bemi_source.note_failure(sqlerrm);
    end;
  end loop;
  delete from _bemi_source.rewritten r where r.transaction = pg_current_xact_id();
  perform set_config('bemi.own_ddl', '', true);
exception when others then
  perform set_config('bemi.own_ddl', '', true);
  perform _bemi_source.note_failure(sqlerrm);
end $$;

-- Before the command's end, which tells it. In a table, not in a setting: an expression of the command itself
-- could take that back.
create or replace function _bemi_source.track_rewrite() returns event_trigger
language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
begin
  insert into _bemi_source.rewritten values (pg_current_xact_id(), pg_event_trigger_table_rewrite_oid());
exception when others then
  perform _bemi_source.note_failure(sqlerrm);
end $$;
