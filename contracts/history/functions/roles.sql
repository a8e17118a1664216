-- Roles apart: made once, by who may make roles. Until then all is owned by the role that made the history.

-- The roles' names begin with the first of these for which there is none.
create or replace function _bemi.role_prefix() returns text
language sql stable set search_path = pg_catalog, pg_temp as $$
  select c.prefix
  from generate_series(1, 1000) i
  cross join lateral (
    -- A role's name has at most 63 bytes.
    select 'bemi_' || case when octet_length(current_database()) <= 40 then current_database()
                        else left(md5(current_database()), 16) end || case when i = 1 then ''
                          else '_' || i end as prefix) c
  where not exists (select from pg_roles r where r.rolname ~ '_(owner|writer|maintainer|dashboard|reader)$'
                      and regexp_replace(r.rolname, '_[a-z]+$', '') = c.prefix)
  order by i limit 1
$$;

create or replace function _bemi.make_roles() returns void
language plpgsql set search_path = pg_catalog, pg_temp as $$
declare
  prefix constant text := _bemi.role_prefix();
  owner constant text := prefix || '_owner';
  place constant text := (select d.schema from _bemi.destination d);
  is_superuser constant boolean := (select r.rolsuper from pg_roles r where r.rolname = current_user);
  job text;
  own text;
begin
  foreach job in array array['owner', 'reader', 'writer', 'dashboard', 'maintainer'] loop
    execute format('create role %I nologin', prefix || '_' || job);
    insert into _bemi.role values (job, prefix || '_' || job);
  end loop;
  if not is_superuser then execute format('grant %I to current_user', owner); end if;
  execute format('grant create on database %I to %I', current_database(), owner);
  foreach own in array array['_bemi', 'bemi', place] loop
    execute format('grant usage, create on schema %I to %I', own, owner);
    -- A superuser keeps what the source may need too.
    if not is_superuser and own <> place then execute format('alter schema %I owner to %I', own, owner); end if;
  end loop;
  execute format('grant %I to %I', owner, prefix || '_maintainer');
  foreach job in array array['reader', 'writer', 'dashboard'] loop
    perform _bemi.grant_rights(job, prefix || '_' || job);
  end loop;
  perform _bemi.hand_over(owner);
end $$;

-- All that is ours, to one owner: what is installed, the partitions, the views of the past with their keys.
create or replace function _bemi.hand_over(owner text) returns void
language plpgsql set search_path = pg_catalog, pg_temp as $$
declare statement text;
begin
  -- Read before, since the tables that are read are among those that change.
  foreach statement in array array(
    select format('alter schema %I owner to %I', n.nspname, owner)
    from pg_namespace n
    where n.nspname in (select v.view_schema from _bemi.view v)
      and n.nspowner = (select c.relowner from pg_class c where c.oid = '_bemi.view'::regclass)
    union all
    select format('alter view %I.%I owner to %I', n.nspname, c.relname, owner)
    from pg_class c join pg_namespace n on n.oid = c.relnamespace
    where c.relkind = 'v' and n.nspname in (select v.view_schema from _bemi.view v)
      and c.relowner = (select o.relowner from pg_class o where o.oid = '_bemi.view'::regclass)
    union all
    select format('alter table %s owner to %I', k.oid::regclass, owner)
    from _bemi.view v join pg_class k on k.oid = to_regclass(format('_bemi.key_%s', v.id))
    union all
    select format('alter table %s owner to %I', i.inhrelid::regclass, owner)
    from pg_inherits i where i.inhparent = '@schema@.changes'::regclass
    union all
    select format('alter %s %s owner to %I', i.kind, i.name, owner) from _bemi.installed i)
  loop
    execute statement;
  end loop;
end $$;
