-- Compares the functions that the other files have just made with those of a former version.

-- In the transaction that has installed them all, and nothing else.
create or replace function _bemi.note_installed() returns void
language plpgsql set search_path = pg_catalog, pg_temp as $$
declare gone text;
begin
  insert into _bemi.installed (kind, name)
  select 'function', p.oid::regprocedure::text
  from pg_proc p join pg_namespace n on n.oid = p.pronamespace
  where n.nspname in ('_bemi', 'bemi') and p.xmin = pg_current_xact_id()::xid
  on conflict do nothing;
  insert into _bemi.installed (kind, name)
  select 'view', format('%I.%I', n.nspname, c.relname)
  from pg_class c join pg_namespace n on n.oid = c.relnamespace
  where n.nspname in ('_bemi', 'bemi') and c.relkind = 'v' and c.xmin = pg_current_xact_id()::xid
  on conflict do nothing;
  for gone in
    select i.name from _bemi.installed i
    where i.kind = 'function' and not exists (
      select from pg_proc p where p.oid = to_regprocedure(i.name) and p.xmin = pg_current_xact_id()::xid)
  loop
    if to_regprocedure(gone) is not null then perform _bemi.drop_function(gone); end if;
    delete from _bemi.installed i where i.kind = 'function' and i.name = gone;
  end loop;
end $$;

-- Together with the views of the past that need it: the next refresh makes them again.
create or replace function _bemi.drop_function(name text) returns void
language plpgsql set search_path = pg_catalog, pg_temp as $$
declare view record;
begin
  for view in
    select distinct v.id, v.view_schema, v."table"
    from pg_depend d join pg_rewrite r on r.oid = d.objid join pg_class c on c.oid = r.ev_class
    join pg_namespace n on n.oid = c.relnamespace join _bemi.view v on v.view_schema = n.nspname
      and v."table" = c.relname
    where d.classid = 'pg_rewrite'::regclass and d.refclassid = 'pg_proc'::regclass and d.refobjid = name::regprocedure
  loop
    execute format('drop view %I.%I', view.view_schema, view."table");
    update _bemi.view v set made_of = null, until = null where v.id = view.id;
    update _bemi.view_source set versions = 0;
  end loop;
  execute 'drop function ' || name;
end $$;
