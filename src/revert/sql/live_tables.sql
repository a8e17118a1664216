select c.oid::bigint, n.nspname, c.relname, c.relkind = 'p', pg_has_role(c.relowner, 'usage'),
       (select string_agg(r.name, ', ') from unnest(array['SELECT', 'INSERT', 'UPDATE', 'DELETE']) as r (name)
        where not has_table_privilege(c.oid, r.name)
          and (r.name = 'DELETE' or not has_any_column_privilege(c.oid, r.name))),
       -- Besides plain unique values: what else keeps two rows from being there at once.
       exists (select from pg_index i join pg_class x on x.oid = i.indexrelid join pg_am m on m.oid = x.relam
               where i.indrelid in (select c.oid union select p.relid from pg_partition_tree(c.oid) p)
                 and (i.indisexclusion or i.indisunique and (
                        i.indpred is not null or i.indexprs is not null or m.amname <> 'btree'
                        or coalesce((to_jsonb(i) ->> 'indnullsnotdistinct')::boolean, false))))
from pg_class c join pg_namespace n on n.oid = c.relnamespace
where c.oid = any ($1::oid[]) and c.relkind in ('r', 'p')
