-- A superuser trusts no lesser role, not even the database's owner, which may be the application. The owner that `bemi
-- init` made is known by what only an administrator can make: a role without LOGIN, with a sibling that this session's
-- role was made a member of.
with me as (
  select r.oid, r.rolsuper from pg_roles r where r.rolname = current_user
), trusted as (
  select r.oid from pg_roles r, me
  where r.rolsuper or r.oid = me.oid
    or not me.rolsuper and (pg_has_role(me.oid, r.oid, 'member')
      or r.oid = (select d.datdba from pg_database d where d.datname = current_database()))
    or r.rolname ~ '^bemi_.*_owner$' and not r.rolcanlogin and exists (
      select from pg_roles s
      where s.rolname in (select regexp_replace(r.rolname, 'owner$', p) from unnest(array['writer', 'reader',
        'dashboard',
                            'maintainer']) p)
        and not s.rolcanlogin and pg_has_role(me.oid, s.oid, 'member'))
), found as (
  select 1 as place, format('the schema %I', n.nspname) as what, n.nspname as name, n.nspowner as owner
  from pg_namespace n
  where n.nspname in ('_bemi', 'bemi') or n.nspname ~ '^time_travel(_|$)' and not exists (
    -- Once there is a history, its views stand in schemas of its own alone: others hold up nothing.
    select from pg_class c join pg_namespace o on o.oid = c.relnamespace
    where o.nspname = '_bemi' and c.relname = 'migration')
  union all
  select 2, format('%s %I.%I', case when c.relkind in ('v', 'm') then 'the view' else 'the table' end, n.nspname,
    c.relname),
         n.nspname, c.relowner
  from pg_class c join pg_namespace n on n.oid = c.relnamespace
  where n.nspname in ('_bemi', 'bemi') and c.relkind not in ('i', 'I', 't')
  union all
  select 3, 'the function ' || p.oid::regprocedure, n.nspname, p.proowner
  from pg_proc p join pg_namespace n on n.oid = p.pronamespace where n.nspname in ('_bemi', 'bemi')
  union all
  select 4, 'the type ' || format_type(t.oid, null), n.nspname, t.typowner
  from pg_type t join pg_namespace n on n.oid = t.typnamespace where n.nspname in ('_bemi', 'bemi')
  union all
  select 5, 'the operator ' || o.oid::regoperator, n.nspname, o.oprowner
  from pg_operator o join pg_namespace n on n.oid = o.oprnamespace where n.nspname in ('_bemi', 'bemi')
)
select f.what, f.owner::regrole::text from found f
where f.owner not in (select t.oid from trusted t) order by f.place, f.name, f.what limit 1
