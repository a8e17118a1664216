-- Views of the past stand in schemas of their own, where the user's own things may stand beside
-- them.
do $$
declare view record; place text; places text[] := '{}';
begin
  if to_regclass('_bemi.view') is null then return; end if;
  for view in
    select view_schema as schema, "table" from _bemi.view union
    select case when octet_length(n) <= 63 then n  -- as _bemi.fitting_name, which may not be there
             else substr((repeat('x', 9) || n)::name::text, 10) || '_' || left(md5(n), 8) end, "table"
    from (select 'time_travel' || case when schema = 'public' then '' else '_' || schema end as n, "table"
          from _bemi.untracked) u
  loop
    places := places || view.schema::text;
    if exists (select from pg_class c join pg_namespace n on n.oid = c.relnamespace
               where c.relkind = 'v' and n.nspname = view.schema and c.relname = view."table") then
      execute format('drop view %I.%I', view.schema, view."table");
    end if;
  end loop;
  for place in
    select n.nspname from pg_catalog.pg_namespace n
    where n.nspname = any (places) and n.nspowner = (select c.relowner from pg_catalog.pg_class c
      where c.oid = '_bemi.view'::regclass)
      and not exists (select from pg_catalog.pg_class c where c.relnamespace = n.oid)
  loop
    execute format('drop schema %I', place);
  end loop;
end $$;
