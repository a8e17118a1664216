-- The tables to choose from. A partition goes with its root.
select coalesce(json_agg(json_build_object('schema', n.nspname, 'table', c.relname,
    'bytes', pg_total_relation_size(c.oid), 'columns', (
      select coalesce(json_agg(a.attname order by a.attnum), '[]') from pg_attribute a
      where a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped))
    order by n.nspname, c.relname), '[]')
from pg_class c join pg_namespace n on n.oid = c.relnamespace
where c.oid = any (array(select jsonb_array_elements_text($1::jsonb)::oid)) and c.relpersistence = 'p'
