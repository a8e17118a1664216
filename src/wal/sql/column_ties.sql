-- Inherited first: what is generated from an inherited column comes after it. Up to 14 a generated
-- column itself depends on what it is made of, later its default does.
with recursive up as (
  select inhparent as oid from pg_inherits where inhrelid = $1
  union select i.inhparent from up join pg_inherits i on i.inhrelid = up.oid
)
select a.attname, b.attname, c.oid, b.attnum, n.nspname, c.relname
from up join pg_class c on c.oid = up.oid join pg_namespace n on n.oid = c.relnamespace
join pg_attribute b on b.attrelid = c.oid and b.attnum > 0 and not b.attisdropped
join pg_attribute a on a.attrelid = $1 and a.attname = b.attname and not a.attisdropped
union all
select a.attname, b.attname, 0, b.attnum, '', ''
from pg_attribute a
join pg_attrdef d on d.adrelid = a.attrelid and d.adnum = a.attnum
join pg_depend p on p.refclassid = 'pg_class'::regclass and p.refobjid = a.attrelid and p.refobjsubid > 0
  and (p.classid = 'pg_attrdef'::regclass and p.objid = d.oid
       or p.classid = 'pg_class'::regclass and p.objid = a.attrelid and p.objsubid = a.attnum)
join pg_attribute b on b.attrelid = a.attrelid and b.attnum = p.refobjsubid and b.attnum <> a.attnum
where a.attrelid = $1 and a.attgenerated <> ''
