-- What one can choose among. Partitions go with their root.
select coalesce(json_agg(json_build_object('schema', n.nspname, 'table', c.relname,
    'bytes', pg_total_relation_size(c.oid), 'columns', (
      select coalesce(json_agg(a.attname order by a.attnum), '[]') from pg_attribute a
      where a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped))
    order by n.nspname, c.relname), '[]')
from pg_class c join pg_namespace n on n.oid = c.relnamespace
where c.relkind in ('r', 'p') and not c.relispartition and c.relpersistence = 'p'
  and n.nspname <> 'information_schema' and n.nspname not like 'pg\_%' and n.nspname not in ('_bemi', '_bemi_setup',
    '_bemi_source')
  and not exists (select from pg_depend d where d.objid = c.oid and d.deptype = 'e')
