-- All tables in one query. pg_partition_tree would lock all partitions. The shape: everything on which the stored form
-- of a row depends.
with recursive tree (root, oid) as (
  select t.oid, t.oid from unnest($1::oid[]) t (oid)
  union all
  select tree.root, i.inhrelid
  from tree join pg_class parent on parent.oid = tree.oid and parent.relkind = 'p'
  join pg_inherits i on i.inhparent = parent.oid
), root as (
  select c.oid, format('%I.%I %s', n.nspname, c.relname, k.indkey) as name
  from unnest($1::oid[]) t (oid) join pg_class c on c.oid = t.oid join pg_namespace n on n.oid = c.relnamespace
  left join pg_index k on k.indrelid = c.oid and k.indisprimary
)
select root.oid, c.oid, n.nspname, c.relname, pg_relation_filenode(c.oid),
       pg_relation_size(c.oid) / current_setting('block_size')::int,
       md5(root.name || coalesce((
         select string_agg(concat_ws(' ', quote_ident(a.attname), a.atttypid, a.atttypmod, a.attisdropped), ','
                           order by a.attnum)
         from pg_attribute a where a.attrelid = c.oid and a.attnum > 0), ''))
from tree join root on root.oid = tree.root join pg_class c on c.oid = tree.oid and c.relkind = 'r'
join pg_namespace n on n.oid = c.relnamespace
order by root.oid, c.oid
