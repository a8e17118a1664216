-- Tables that exist and are not in the publication, with their columns. The publication is read once, not per table.
with published as materialized (
  select t.schemaname, t.tablename from pg_publication_tables t where t.pubname = $1
)
select coalesce(jsonb_agg(jsonb_build_array(n.nspname, c.relname, (
         select jsonb_agg(jsonb_build_array(a.attname, case when a.atttypid < 16384
                            then format_type(a.atttypid, null) else 'text' end) order by a.attnum)
         from pg_attribute a
         where a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped))
       order by n.nspname, c.relname), '[]')
from pg_class c join pg_namespace n on n.oid = c.relnamespace
where c.oid = any (array(select jsonb_array_elements_text($2::jsonb)::oid)) and n.nspname !~ '^time_travel'
  and (n.nspname, c.relname) not in (select t.schemaname, t.tablename from published t)
