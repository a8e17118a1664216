-- pg_partition_tree would lock all partitions. From 18 on the publication has stored generated columns in it; virtual
-- ones never are: the caller knows which of the generated ones were sent.
with recursive tree (oid) as (
  select oid from pg_class where oid = $1 and relkind = 'p'
  union all
  select i.inhrelid from tree join pg_inherits i on i.inhparent = tree.oid
)
select 'table', '', 0 from pg_class where oid = $1
union all
select 'key', a.attname, k.place
from pg_index i
cross join lateral unnest(i.indkey) with ordinality as k (attnum, place)
join pg_attribute a on a.attrelid = i.indrelid and a.attnum = k.attnum
where i.indrelid = $1 and i.indisprimary and k.place <= i.indnkeyatts
union all
select 'leaf', c.oid::text, c.oid::bigint
from tree join pg_class c on c.oid = tree.oid and c.relkind <> 'p'
union all
select 'number', attname, attnum from pg_attribute where attrelid = $1 and attnum > 0 and not attisdropped
union all
select 'generated', attname, attnum from pg_attribute where attrelid = $1 and attgenerated <> '' and not attisdropped
order by 3
