-- pg_partition_tree would lock all partitions. The shape: what the stored form of a row depends on.
with recursive tree (oid) as (
  select $1::oid
  union all
  select i.inhrelid from tree join pg_class parent on parent.oid = tree.oid and parent.relkind = 'p'
  join pg_inherits i on i.inhparent = parent.oid
), root as (
  select format('%I.%I %s', n.nspname, c.relname, k.indkey) as name
  from pg_class c join pg_namespace n on n.oid = c.relnamespace
  left join pg_index k on k.indrelid = c.oid and k.indisprimary
  where c.oid = $1::oid
)
select c.oid, n.nspname, c.relname, pg_relation_filenode(c.oid),
       pg_relation_size(c.oid) / current_setting('block_size')::int,
       md5(root.name || coalesce((
         select string_agg(concat_ws(' ', quote_ident(a.attname), a.atttypid, a.atttypmod, a.attisdropped), ','
                           order by a.attnum)
         from pg_attribute a where a.attrelid = c.oid and a.attnum > 0), ''))
from root, pg_class c join pg_namespace n on n.oid = c.relnamespace
where c.relkind = 'r'
  and c.oid in (select oid from tree)
order by c.oid
