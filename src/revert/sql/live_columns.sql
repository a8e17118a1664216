-- A domain's values are written as those of what it is over; the table itself then checks them.
with recursive columns as (
  select a.attrelid, a.attnum, a.attname, a.atttypid, a.atttypmod, a.attgenerated, a.attidentity, a.attnotnull
  from pg_attribute a where a.attrelid = any ($1::oid[]) and a.attnum > 0 and not a.attisdropped
), base (attrelid, attnum, oid, modifier) as (
  select attrelid, attnum, atttypid, atttypmod from columns
  union all
  select b.attrelid, b.attnum, t.typbasetype, t.typtypmod from base b join pg_type t on t.oid = b.oid
  where t.typtype = 'd'
)
select c.attrelid::bigint, c.attname, format_type(b.oid, b.modifier), c.attgenerated <> '',
       c.attidentity = 'a', c.attnotnull,
       case when t.oid in ('json'::regtype, 'jsonb'::regtype) then 'json'
         when e.oid is not null then 'hstore' else 'plain' end,
       quote_ident(n.nspname), c.atttypid::bigint, c.attnum
from columns c join base b using (attrelid, attnum) join pg_type t on t.oid = b.oid and t.typtype <> 'd'
join pg_namespace n on n.oid = t.typnamespace
left join pg_depend d on d.classid = 'pg_type'::regclass and d.objid = t.oid and d.deptype = 'e'
left join pg_extension e on e.oid = d.refobjid and e.extname = 'hstore' and t.typname = 'hstore'
order by c.attrelid, c.attnum
