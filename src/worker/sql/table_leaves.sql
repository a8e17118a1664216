-- pg_partition_tree would lock all partitions.
with recursive tree (oid) as (
  select $1::oid
  union all
  select i.inhrelid from tree join pg_class parent on parent.oid = tree.oid and parent.relkind = 'p'
  join pg_inherits i on i.inhparent = parent.oid
)
select c.oid, n.nspname, c.relname, pg_relation_filenode(c.oid),
       pg_relation_size(c.oid) / current_setting('block_size')::int
from pg_class c join pg_namespace n on n.oid = c.relnamespace
where c.relkind = 'r'
  and c.oid in (select oid from tree)
order by c.oid
