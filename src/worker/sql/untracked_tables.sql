-- What is there and not in the publication, with its columns.
select coalesce(jsonb_agg(jsonb_build_array(n.nspname, c.relname, (
         select jsonb_agg(jsonb_build_array(a.attname, case when a.atttypid < 16384
                            then format_type(a.atttypid, null) else 'text' end) order by a.attnum)
         from pg_attribute a
         where a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped))
       order by n.nspname, c.relname), '[]')
from pg_class c join pg_namespace n on n.oid = c.relnamespace
where c.relkind in ('r', 'p', 'v', 'm', 'f') and c.relpersistence <> 't' and not c.relispartition
  and n.nspname !~ '^(pg_|time_travel)' and n.nspname not in ('information_schema', '_bemi', '_bemi_setup',
    '_bemi_source', 'bemi')
  and not exists (select from pg_publication_tables t
                  where t.pubname = $1 and t.schemaname = n.nspname and t.tablename = c.relname)
  and n.nspname <> all (array(select jsonb_array_elements_text($2::jsonb)))
  and not (c.relname ~ '^changes(_[0-9w_]+)?$' and obj_description(c.oid, 'pg_class') ~ 'kept by Bemi')
  and not exists (select from pg_depend d where d.objid = c.oid and d.deptype = 'e')
