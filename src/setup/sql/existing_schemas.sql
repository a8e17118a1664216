-- Bemi's own schemas that are there: by whom, whether a superuser may write into them (a trigger
-- would run with his rights), and whether Bemi made them. The history's owner is for
-- store/own_schema to judge.
with ours as (
  select n.nspname || '.' || c.relname as name from pg_class c join pg_namespace n on n.oid = c.relnamespace
  where n.nspname in ('_bemi', '_bemi_setup')
), history as (select '_bemi.migration' in (select name from ours) as installed)
select n.nspname, pg_get_userbyid(n.nspowner),
       not me.rolsuper or n.nspname <> '_bemi_setup' or o.rolsuper and not exists (
         select from pg_class c join pg_roles r on r.oid = c.relowner
         where c.relnamespace = n.oid and not r.rolsuper),
       case n.nspname
         when '_bemi' then history.installed or '_bemi.trigger_failure' in (select name from ours)
         when '_bemi_setup' then '_bemi_setup.made' in (select name from ours)
         else history.installed end
from pg_namespace n join pg_roles o on o.oid = n.nspowner, history, pg_roles me
where me.rolname = current_user and (n.nspname = any ($1::text[])
   or n.nspname ~ '^time_travel(_|$)' and not history.installed and 'time_travel' = any ($1::text[]))
order by n.nspname
