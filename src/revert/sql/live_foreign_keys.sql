select f.conname, f.conrelid::bigint, f.confrelid::bigint,
       format('%I.%I', cn.nspname, cc.relname), format('%I.%I', pn.nspname, pc.relname),
       case cc.relkind when 'p' then '' else 'only ' end, case pc.relkind when 'p' then '' else 'only ' end,
       json_agg(ca.attname order by k.place)::text, json_agg(pa.attname order by k.place)::text,
       json_agg(format('OPERATOR(%I.%s)', on_.nspname, o.oprname) order by k.place)::text,
       f.confdeltype, f.confupdtype
from pg_constraint f
join pg_class cc on cc.oid = f.conrelid join pg_namespace cn on cn.oid = cc.relnamespace
join pg_class pc on pc.oid = f.confrelid join pg_namespace pn on pn.oid = pc.relnamespace
cross join lateral unnest(f.conkey, f.confkey, f.conpfeqop) with ordinality as k (child, parent, equals, place)
join pg_attribute ca on ca.attrelid = f.conrelid and ca.attnum = k.child
join pg_attribute pa on pa.attrelid = f.confrelid and pa.attnum = k.parent
join pg_operator o on o.oid = k.equals join pg_namespace on_ on on_.oid = o.oprnamespace
where f.contype = 'f' and f.conparentid = 0 and f.conperiod_free
  and coalesce((to_jsonb(f) ->> 'conenforced')::boolean, true)
  and (f.conrelid = any ($1::oid[]) or f.confrelid = any ($1::oid[]))
group by f.oid, f.conname, f.conrelid, f.confrelid, 4, 5, 6, 7, f.confdeltype, f.confupdtype
order by f.conname
