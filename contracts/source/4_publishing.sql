-- Which tables are tracked, and how they are published without harm to the application.

-- Whether it is the history, or a part of it: one is made alone, gets its owner, and is attached then. Its name does
-- not make it one, or a table could hide behind it: it has the history's columns.
create or replace function _bemi_source.is_history(relation pg_class) returns boolean
language plpgsql stable set search_path = pg_catalog, pg_temp as $$
begin
  return relation.relname ~ '^changes(_[0-9w_]+)?$' and exists (
    select from pg_class history join pg_namespace place on place.oid = history.relnamespace
    join _bemi_source.tracking on tracking.history_schema = place.nspname
    where history.relname = 'changes' and history.relkind = 'p' and history.relnamespace = relation.relnamespace
      and array(select a.attname from pg_attribute a where a.attrelid = relation.oid and a.attnum > 0)
          @> array(select a.attname from pg_attribute a where a.attrelid = history.oid and a.attnum > 0
                   and not a.attisdropped));
end $$;

-- A table of the application that the patterns want. Extensions' own tables, and what stands in an extension's
-- schema (pg_repack's copies), are left out.
create or replace function _bemi_source.is_wanted(relation oid) returns boolean
language plpgsql stable set search_path = pg_catalog, pg_temp as $$
begin
  return (select named.relkind in ('r', 'p') and named.relpersistence = 'p' and not named.relispartition
      and place.nspname !~ '^pg_' and place.nspname not in ('information_schema', '_bemi', '_bemi_setup',
        '_bemi_source')
      and not exists (select from _bemi_source.copy_schema copy where copy.name = place.nspname)
      and not _bemi_source.is_history(named)
      and not exists (
        select from pg_depend member
        where member.deptype = 'e' and (member.classid = 'pg_class'::regclass and member.objid = named.oid
                                        or member.classid = 'pg_namespace'::regclass and member.objid = place.oid))
      and (not exists (select from _bemi_source.pattern where not excludes) or exists (
        select from _bemi_source.pattern
        where not excludes and place.nspname ~ schema_pattern and named.relname ~ table_pattern))
      and not exists (
        select from _bemi_source.pattern
        where excludes and place.nspname ~ schema_pattern and named.relname ~ table_pattern)
    from pg_class named join pg_namespace place on place.oid = named.relnamespace where named.oid = relation);
end $$;

create or replace function _bemi_source.is_published(relation oid) returns boolean
language plpgsql stable set search_path = pg_catalog, pg_temp as $$
begin
  return (select exists (
      select from pg_publication_rel listed join pg_publication publication on publication.oid = listed.prpubid
      join _bemi_source.tracking on tracking.publication = publication.pubname
      where listed.prrelid = relation or listed.prrelid in (select relid from pg_partition_ancestors(relation))));
end $$;

create or replace function _bemi_source.has_whole_key(i pg_index) returns boolean
language plpgsql stable set search_path = pg_catalog, pg_temp as $$
begin
  return not exists (select from pg_index k where k.indrelid = i.indrelid and k.indisprimary
    and not (k.indkey::int2[])[0:k.indnkeyatts - 1] <@ (i.indkey::int2[])[0:i.indnkeyatts - 1]);
end $$;

-- Whether PostgreSQL finds a row's identity, by the rules that it refuses UPDATE and DELETE by: an index that is
-- deferrable, invalid or dropped is none. One that leaves the primary key out is none to us: a change of the key would
-- not say which row it was.
create or replace function _bemi_source.is_identified(relation pg_class) returns boolean
language plpgsql stable set search_path = pg_catalog, pg_temp as $$
begin
  return (select relation.relreplident = 'f' or exists (
      select from pg_index i
      where i.indrelid = relation.oid and i.indisvalid and i.indimmediate and i.indislive and i.indisunique
        and case relation.relreplident when 'd' then i.indisprimary
          when 'i' then i.indisreplident and _bemi_source.has_whole_key(i) end));
end $$;

-- Whether another publication leaves columns of the table out.
create or replace function _bemi_source.is_narrowly_published(relation oid) returns boolean
language plpgsql stable set search_path = pg_catalog, pg_temp as $$
declare found boolean;
begin
  if current_setting('server_version_num')::int < 150000 or not exists (
    select from pg_publication_rel listed join pg_publication publication on publication.oid = listed.prpubid
    where listed.prrelid = relation
      and publication.pubname <> (select tracking.publication from _bemi_source.tracking)) then
    return false;
  end if;
  -- Not yet there in 14: not to be read before it runs.
  execute $q$ select exists (
    select from pg_publication_rel listed join pg_publication publication on publication.oid = listed.prpubid
    join pg_attribute a on a.attrelid = listed.prrelid and a.attnum > 0 and not a.attisdropped
    where listed.prrelid = $1 and listed.prattrs is not null and (publication.pubupdate or publication.pubdelete)
      and publication.pubname <> (select tracking.publication from _bemi_source.tracking)
      and (a.attgenerated = '' or current_setting('server_version_num')::int >= 180000)
      and a.attnum <> all (listed.prattrs)) $q$ into found using relation;
  return found;
end $$;

create or replace function _bemi_source.name_of(relation oid) returns text
language sql stable set search_path = pg_catalog, pg_temp as $$
  -- Not by regnamespace: its text is quoted already.
  select format('%I.%I', place.nspname, named.relname)
  from pg_class named join pg_namespace place on place.oid = named.relnamespace where named.oid = relation
$$;

create or replace function _bemi_source.leave(relation oid) returns void
language plpgsql set search_path = pg_catalog, pg_temp as $$
begin
  if exists (select from pg_publication_rel listed join pg_publication publication on publication.oid = listed.prpubid
             join _bemi_source.tracking on tracking.publication = publication.pubname
             where listed.prrelid = relation) then
    perform _bemi_source.run_own(format('alter publication %I drop table only %s',
      (select publication from _bemi_source.tracking), _bemi_source.name_of(relation)));
  end if;
end $$;

-- An index that would identify the table's rows, by the rules of `alter table ... replica identity using index`.
create or replace function _bemi_source.usable_index(relation oid) returns name
language sql stable set search_path = pg_catalog, pg_temp as $$
  select named.relname from pg_index i join pg_class named on named.oid = i.indexrelid
  where i.indrelid = relation and i.indisunique and i.indimmediate and i.indisvalid and i.indislive
    and i.indpred is null and i.indexprs is null
    and not exists (select from pg_attribute k
                    where k.attrelid = i.indrelid and k.attnum = any ((i.indkey::int2[])[0:i.indnkeyatts - 1])
                      and not k.attnotnull)
    and _bemi_source.has_whole_key(i)
  order by i.indnatts, named.relname limit 1
$$;

create or replace function _bemi_source.give_identity(relation oid, identity "char", index_name name default null)
returns void language plpgsql set search_path = pg_catalog, pg_temp as $$
begin
  perform _bemi_source.run_own(format('alter table only %s replica identity %s', _bemi_source.name_of(relation),
    case identity when 'f' then 'full' when 'd' then 'default' else format('using index %I', index_name) end));
  insert into _bemi_source.given_identity as given values (relation, identity)
  on conflict on constraint given_identity_pkey do update set identity = excluded.identity;
end $$;

-- Gives the table the identity without which its own updates would fail once it is published, or takes it
-- out of the publication. Tells whether it may be published.
create or replace function _bemi_source.settle_identity(relation oid, is_new boolean) returns boolean
language plpgsql set search_path = pg_catalog, pg_temp as $$
declare
  subject pg_class;
  whole_harms boolean;
  index_name name;
begin
  select * into subject from pg_class where oid = relation;
  whole_harms := exists (select from pg_attribute a where a.attrelid = relation and a.attgenerated = 'v')
                 or _bemi_source.is_narrowly_published(relation);
  if not whole_harms then
    if subject.relreplident <> 'f' and (not _bemi_source.is_identified(subject)
                                        or is_new and (select whole_rows from _bemi_source.tracking)) then
      perform _bemi_source.give_identity(relation, 'f');
    end if;
    return true;
  end if;
  if subject.relreplident <> 'f' and _bemi_source.is_identified(subject) then return true; end if;
  subject.relreplident := 'd';
  if _bemi_source.is_identified(subject) then
    perform _bemi_source.give_identity(relation, 'd');
    return true;
  end if;
  index_name := _bemi_source.usable_index(relation);
  if index_name is not null then
    perform _bemi_source.give_identity(relation, 'i', index_name);
    return true;
  end if;
  if not is_new then perform _bemi_source.leave(relation); end if;
  return false;
end $$;

-- False when another transaction has the publication: it may go on for hours, and nobody is to wait for it. The
-- worker publishes the table when it looks.
create or replace function _bemi_source.publish(relation oid) returns boolean
language plpgsql set search_path = pg_catalog, pg_temp set lock_timeout = '1ms' as $$
begin
  perform _bemi_source.run_own(format('alter publication %I add table only %s',
    (select publication from _bemi_source.tracking), _bemi_source.name_of(relation)));
  return true;
exception when lock_not_available then
  return false;
end $$;

-- Tables that this transaction has locked so that nobody else may change them: a command does not name all that it
-- reaches, and to look at every table would make each command dear.
create or replace function _bemi_source.locked() returns setof pg_class
language sql volatile set search_path = pg_catalog, pg_temp as $$
  select distinct on (named.oid) named.* from pg_locks held join pg_class named on named.oid = held.relation
  where held.pid = pg_backend_pid() and held.locktype = 'relation'
    and held.database = (select d.oid from pg_database d where d.datname = current_database())
    and held.mode in ('AccessExclusiveLock', 'ShareUpdateExclusiveLock')
    and named.oid >= 16384 and named.relkind in ('r', 'p') and named.relpersistence = 'p'
$$;

-- Tables that should be tracked and are not, such as a partition that was detached. Wanted or not is asked last, of
-- the few that are left.
create or replace function _bemi_source.unlisted() returns setof oid
language sql volatile set search_path = pg_catalog, pg_temp as $$
  with locked as materialized (
    select named.oid from _bemi_source.locked() named
    where not named.relispartition and not exists (
        select from pg_publication_rel listed join pg_publication publication on publication.oid = listed.prpubid
        join _bemi_source.tracking on tracking.publication = publication.pubname where listed.prrelid = named.oid)
  )
  select locked.oid from locked where _bemi_source.is_wanted(locked.oid)
$$;
