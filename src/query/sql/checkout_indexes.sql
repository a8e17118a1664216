-- From its table's name on; indexes of constraints but the primary key's are indexes here.
select i.indrelid::oid::bigint, x.relname, i.indisunique,
       case when i.indexprs is null and i.indpred is null and am.amname = 'btree' and not i.indnullsnotdistinct_
         then to_jsonb(array(select k from unnest(i.indkey[0:i.indnkeyatts - 1]) k)) else '[]' end::text,
       substring(pg_get_indexdef(i.indexrelid) from ' USING .*$')
from (select *, coalesce((to_jsonb(p) ->> 'indnullsnotdistinct')::boolean, false) as indnullsnotdistinct_
      from pg_index p) i
join pg_class x on x.oid = i.indexrelid join pg_am am on am.oid = x.relam
join pg_class c on c.oid = i.indrelid join pg_namespace n on n.oid = c.relnamespace
where not i.indisprimary and i.indisvalid and n.nspname !~ '^pg_' and n.nspname not in ('information_schema',
  '_bemi', '_bemi_setup', '_bemi_source')
order by 1, 2
