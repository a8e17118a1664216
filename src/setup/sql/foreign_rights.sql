-- Rights of others than the owner and the roles that `bemi init` made. $1: `changes`.
with ours as (
  select c.oid, c.oid::regclass::text as name, c.relowner, c.relacl,
         c.oid = $1::regclass or exists (select from pg_inherits i where i.inhrelid = c.oid
           and i.inhparent = $1::regclass)
           as is_history
  from pg_class c
  where c.oid in (select to_regclass(i.name) from _bemi.installed i where i.kind in ('table', 'view'))
     or c.oid in (select i.inhrelid from pg_inherits i where i.inhparent = $1::regclass)
)
select coalesce(r.rolname, 'public'), string_agg(distinct a.privilege_type, ', '),
       case when count(distinct o.name) = 1 then min(o.name)
         else count(distinct o.name) || ' tables of the history' end,
       bool_or(a.grantee = 0 or o.is_history and a.privilege_type in ('UPDATE', 'DELETE', 'TRUNCATE', 'TRIGGER')),
       bool_or(a.privilege_type <> 'SELECT'), 'revoke all on ' || string_agg(distinct o.name, ', ') || ' from '
         || coalesce(quote_ident(r.rolname), 'public')
from ours o cross join lateral aclexplode(o.relacl) a left join pg_roles r on r.oid = a.grantee
where a.grantee <> o.relowner and (r.rolname is null or r.rolname not in (select m.name from _bemi.role m))
group by r.rolname order by 1
