-- Types that any server has, since it is the destination that looks at the rows; there a hash is
-- another one.
select n.nspname, c.relname, pg_partition_root(c.oid)::oid::bigint, d.said,
       (select string_agg(format('%I %s', a.attname, format_type(a.atttypid, a.atttypmod)), ', ' order by a.attnum)
        from pg_attribute a join pg_type t on t.oid = a.atttypid
        where a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped
          and t.typnamespace = 'pg_catalog'::regnamespace)
from jsonb_array_elements($1::jsonb) as name (parts)
join pg_namespace n on n.nspname = name.parts ->> 0
join pg_class c on c.relnamespace = n.oid and c.relname = name.parts ->> 1 and c.relispartition
cross join lateral pg_get_partition_constraintdef(c.oid) as d (said)
where d.said is not null and d.said not like '%satisfies_hash_partition%'
