-- The work of the event triggers. An error in here must not fail the application's DDL: it is counted, and the worker
-- finds by looking what no message reported.

-- The tables that have a column of one of the types, or of a type that is made of one. The few rows that there are
-- find theirs by indexes, which the planner cannot know.
create or replace function _bemi_source.users_of(changed oid[]) returns setof oid
language plpgsql stable set search_path = pg_catalog, pg_temp set enable_seqscan = off set enable_hashjoin = off
set enable_mergejoin = off as $$
begin
  return query with recursive types (type) as (
    select unnest(changed)
    union
    select case when d.classid = 'pg_type'::regclass then d.objid else owner.reltype end
    from types join pg_depend d on d.refclassid = 'pg_type'::regclass and d.refobjid = types.type
    left join pg_class owner on d.classid = 'pg_class'::regclass and owner.oid = d.objid
    where d.classid = 'pg_type'::regclass or owner.reltype <> 0
  )
  select distinct user_of.oid
  from types join pg_depend d on d.refclassid = 'pg_type'::regclass and d.refobjid = types.type
    and d.classid = 'pg_class'::regclass
  join pg_class user_of on user_of.oid = d.objid and user_of.relkind in ('r', 'p');
end $$;

-- The tables that commands reached: those that they named (of a foreign partition, its root), and those by way of a
-- schema, a publication, a type that changed (an enum's labels are told apart), or the parent of INHERITS.
create or replace function _bemi_source.reached(classes oid[], objects oid[], tags text[])
returns table (relation oid, command text, named boolean)
language plpgsql set search_path = pg_catalog, pg_temp set enable_seqscan = off set enable_hashjoin = off
set enable_mergejoin = off as $$
#variable_conflict use_column
declare
  altered constant text := (select max(tag) from unnest(tags) tag where tag !~ '^(CREATE|SELECT)');
  types oid[] := '{}';
begin
  if altered is null and 'pg_class'::regclass = all (classes) then
    return query select t.oid, max(tag), true from unnest(objects, tags) c (objid, tag)
      join pg_class made on made.oid = c.objid
      join pg_class t on t.oid = case when made.relkind = 'f' then pg_partition_root(made.oid) else made.oid end
      where t.relkind in ('r', 'p') and t.relpersistence in ('p', 'u') group by t.oid;
    return;
  end if;
  types := array(
    select t.oid from unnest(classes, objects, tags) c (classid, objid, tag) join pg_type t on t.oid = c.objid
    where c.classid = 'pg_type'::regclass and t.typtype not in ('d', 'e') and c.tag !~ '^CREATE'
    union
    select t.reltype from unnest(classes, objects, tags) c (classid, objid, tag) join pg_class t on t.oid = c.objid
    where c.classid = 'pg_class'::regclass and c.tag !~ '^CREATE' and t.reltype <> 0);
  return query with recursive commands (classid, objid, command_tag) as (
    select * from unnest(classes, objects, tags)
  ), found (oid, command, named) as (
    select c.objid, c.command_tag, true from commands c where c.classid = 'pg_class'::regclass
    union
    select pg_partition_root(t.oid), c.command_tag, true from commands c join pg_class t on t.oid = c.objid
    where c.classid = 'pg_class'::regclass and t.relkind = 'f' and t.relispartition
    union
    select t.oid, c.command_tag, false from commands c join pg_class t on t.relnamespace = c.objid
    where c.classid = 'pg_namespace'::regclass and c.command_tag = 'ALTER SCHEMA'
    union
    select listed.prrelid, c.command_tag, false from commands c
    join pg_publication_rel listed on c.classid = 'pg_publication_rel'::regclass and listed.oid = c.objid
      or c.classid = 'pg_publication'::regclass and listed.prpubid = c.objid
    union
    select user_of, altered, false from _bemi_source.users_of(types) user_of where types <> '{}'
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

-- Enums whose labels read otherwise now: the values are others, the tables' shapes are not. One message tells of
-- them all, since thousands of tables can have the type.
create or replace function _bemi_source.tell_relabelled(objects oid[], tags text[]) returns void
language plpgsql set search_path = pg_catalog, pg_temp as $$
declare
  changed oid[] := array(
    select t.oid from unnest(objects, tags) c (objid, tag) join pg_type t on t.oid = c.objid
    where t.typtype = 'e' and case when _bemi_source.labels_changed(t.oid) then c.tag !~ '^CREATE' end);
  page jsonb;
begin
  if changed = '{}' then return; end if;
  for page in
    select jsonb_agg(numbered.oid::bigint)
    from (select user_of.oid, row_number() over (order by user_of.oid) / 4000 as page
          from _bemi_source.users_of(changed) user_of (oid)
          where exists (
            select from pg_publication_rel listed join pg_publication publication on publication.oid = listed.prpubid
            join _bemi_source.tracking on tracking.publication = publication.pubname
            where listed.prrelid = user_of.oid)) numbered
    group by numbered.page order by numbered.page
  loop
    perform _bemi_source.emit('ALTER TYPE', '{}', json_build_object('relabelled', page));
  end loop;
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

-- Leaves that came without an identity (see is_identified): an attached table, or a key that was dropped.
create or replace function _bemi_source.settle_leaves(root oid) returns void
language plpgsql set search_path = pg_catalog, pg_temp as $$
declare leaf oid;
begin
  for leaf in
    select part.oid from pg_class part
    where part.oid = any (_bemi_source.leaves_of(root)) and part.relkind = 'r' and part.relreplident <> 'f'
      and not exists (
        select from pg_index i
        where i.indrelid = part.oid and i.indisvalid and i.indimmediate and i.indislive and i.indisunique
          and case part.relreplident when 'd' then i.indisprimary
            when 'i' then i.indisreplident and _bemi_source.has_whole_key(i) end)
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

-- It does not wait for another transaction's lock on the publication, which may last for hours (publish). All other
-- waits last a moment, such as for a page that another session adds to a catalog.
create or replace function _bemi_source.track_relation(relation oid, command text, named boolean) returns void
language plpgsql set search_path = pg_catalog, pg_temp set lock_timeout = '100ms' as $$
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
create or replace function _bemi_source.tell_publication(objects oid[], tags text[]) returns void
language plpgsql set search_path = pg_catalog, pg_temp as $$
begin
  if exists (
    select from unnest(objects, tags) c (objid, tag) join pg_publication publication on publication.oid = c.objid
    join _bemi_source.tracking on tracking.publication = publication.pubname where c.tag = 'ALTER PUBLICATION') then
    perform _bemi_source.emit('ALTER PUBLICATION', '{}', '{"publication": true}');
  end if;
end $$;

-- Planned once: a new plan for each command would cost more than everything that it finds.
create or replace function _bemi_source.track_ddl() returns event_trigger
language plpgsql security definer set search_path = pg_catalog, pg_temp set plan_cache_mode = force_generic_plan as $$
declare
  classes oid[];
  objects oid[];
  tags text[];
  reaches boolean;
  command record;
begin
  -- Most commands are about none of what follows. A view that is made has no rows, and nobody has its type yet.
  select array_agg(ddl.classid), array_agg(ddl.objid), array_agg(ddl.command_tag),
         bool_or(ddl.classid <> 'pg_type'::regclass or exists (
           select from pg_type t where t.oid = ddl.objid and t.typtype not in ('d', 'e')))
  into classes, objects, tags, reaches from pg_event_trigger_ddl_commands() ddl
  where ddl.schema_name is distinct from 'pg_temp'
    and ddl.command_tag not in ('COMMENT', 'SECURITY LABEL', 'CREATE INDEX')
    and case ddl.classid
      when 'pg_class'::regclass then exists (
        select from pg_class t where t.oid = ddl.objid
          and (t.relkind in ('r', 'p') or t.relkind = 'f' and t.relispartition
               or t.reltype <> 0 and ddl.command_tag !~ '^CREATE'))
      when 'pg_namespace'::regclass then ddl.command_tag = 'ALTER SCHEMA'
      else ddl.classid in ('pg_type'::regclass, 'pg_publication'::regclass, 'pg_publication_rel'::regclass) end;
  if classes is null or _bemi_source.is_own() then return; end if;
  if 'pg_publication'::regclass = any (classes) then perform _bemi_source.tell_publication(objects, tags); end if;
  if 'pg_type'::regclass = any (classes) then perform _bemi_source.tell_relabelled(objects, tags); end if;
  if not reaches then return; end if;
  for command in select * from _bemi_source.reached(classes, objects, tags) loop
    begin
      perform _bemi_source.track_relation(command.relation, command.command, command.named);
    exception when others then
      perform _bemi_source.note_failure(sqlerrm);
    end;
  end loop;
  delete from _bemi_source.rewritten r where r.transaction = pg_current_xact_id();
exception when others then
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
