-- Code of others that would run when the history is written or read.
with ours as (
  select $1::regclass as oid union all
  select i.inhrelid from pg_inherits i where i.inhparent = $1::regclass union all
  select to_regclass(i.name) from _bemi.installed i where i.kind = 'table'
)
select format('the trigger %I on %s', t.tgname, t.tgrelid::regclass), format('drop trigger %I on %s', t.tgname,
  t.tgrelid::regclass)
from pg_trigger t where t.tgrelid in (select oid from ours) and not t.tgisinternal
union
select format('the rule %I on %s', r.rulename, r.ev_class::regclass), format('drop rule %I on %s', r.rulename,
  r.ev_class::regclass)
from pg_rewrite r where r.ev_class in (select oid from ours)
union
select format('row level security of %s', c.oid::regclass), format('alter table %s disable row level security',
  c.oid::regclass)
from pg_class c where c.oid in (select oid from ours) and c.relrowsecurity
order by 1
