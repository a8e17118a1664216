-- Objects that depend on a function or an operator: indexes, extended statistics, checks and partition keys; and the
-- types of columns, whose input function can be their owner's.
with recursive tree (oid) as (
  select $1::oid
  union all
  select i.inhrelid from tree join pg_class parent on parent.oid = tree.oid and parent.relkind = 'p'
  join pg_inherits i on i.inhparent = tree.oid
), types (oid) as (
  select a.atttypid from tree join pg_attribute a on a.attrelid = tree.oid and a.attnum > 0
  where a.atttypid >= 16384
  union
  select d.refobjid from types join pg_depend d on d.classid = 'pg_type'::regclass and d.objid = types.oid
    and d.refclassid = 'pg_type'::regclass
), planned (classid, objid) as (
  select 'pg_class'::regclass, i.indexrelid from tree join pg_index i on i.indrelid = tree.oid
  where i.indexprs is not null or i.indpred is not null
  union all
  select 'pg_statistic_ext'::regclass, s.oid from tree join pg_statistic_ext s on s.stxrelid = tree.oid
  union all
  select 'pg_constraint'::regclass, c.oid from tree join pg_constraint c on c.conrelid = tree.oid and c.contype = 'c'
  union all
  select 'pg_class'::regclass, tree.oid from tree
  union all
  select 'pg_type'::regclass, types.oid from types
)
select format('%s of %s', f.oid::regprocedure, owner.rolname)
from planned join pg_depend d on d.classid = planned.classid and d.objid = planned.objid
left join pg_operator o on d.refclassid = 'pg_operator'::regclass and o.oid = d.refobjid
join pg_proc f on f.oid = case when d.refclassid = 'pg_proc'::regclass then d.refobjid else o.oprcode end
join pg_roles owner on owner.oid = f.proowner
where not owner.rolsuper and owner.rolname <> current_user
order by 1 limit 1
