select i.indrelid::bigint, c.relname, i.indimmediate, i.indisprimary,
       json_agg(json_build_array(a.attname, format('OPERATOR(%I.%s)', on_.nspname, o.oprname)) order by k.place)::text
from pg_index i join pg_class c on c.oid = i.indexrelid
cross join lateral unnest(i.indkey, i.indclass) with ordinality as k (attnum, opclass, place)
join pg_attribute a on a.attrelid = i.indrelid and a.attnum = k.attnum
join pg_opclass oc on oc.oid = k.opclass
join pg_amop ao on ao.amopfamily = oc.opcfamily and ao.amoplefttype = oc.opcintype
  and ao.amoprighttype = oc.opcintype and ao.amopstrategy = 3
join pg_operator o on o.oid = ao.amopopr join pg_namespace on_ on on_.oid = o.oprnamespace
where i.indrelid = any ($1::oid[]) and i.indisunique and i.indisvalid and i.indpred is null
  and i.indexprs is null and k.place <= i.indnkeyatts
  and c.relam = (select oid from pg_am where amname = 'btree')
group by 1, 2, 3, 4, i.indnkeyatts having count(*) = i.indnkeyatts order by 1, 4 desc, 2
