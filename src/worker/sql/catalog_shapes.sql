-- The tables of those OIDs as they are now: with stored generated columns, which may be sent from 18 on,
-- and without any.
select c.oid, n.nspname, c.relname, shape.whole, shape.plain,
       (with recursive tree (oid) as (
          select i.inhrelid from pg_inherits i where i.inhparent = c.oid and c.relkind = 'p'
          union all
          select i.inhrelid from tree join pg_inherits i on i.inhparent = tree.oid
        )
        select coalesce(jsonb_agg(l.oid::bigint order by l.oid), '[]')
        from tree join pg_class l on l.oid = tree.oid and l.relkind <> 'p')::text,
       shape.names
from pg_class c join pg_namespace n on n.oid = c.relnamespace
cross join lateral (
  select md5(coalesce(string_agg(a.said, ',' order by a.attnum) filter (where a.attgenerated <> 'v'), '')) as whole,
         md5(coalesce(string_agg(a.said, ',' order by a.attnum) filter (where a.attgenerated = ''), '')) as plain,
         coalesce(md5(string_agg(to_json(a.attname)::text, ',' order by a.attname collate "C")), '') as names
  from (
    select a.attnum, a.attname, a.attgenerated,
           concat_ws(' ', a.attnum, to_json(a.attname), a.atttypid::bigint, a.atttypmod) as said
    from pg_attribute a
    where a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped
  ) a
) shape
where c.oid = any (array(select jsonb_array_elements_text($1::jsonb)::oid))
