-- The shape of a history's tables, without anything that changes in use. The source's own tables may stand beside them.
select encode(sha256(convert_to(string_agg(format('%s.%s %s %s', c.relname, a.attname, format_type(a.atttypid,
  a.atttypmod),
                                           a.attnotnull), ',' order by c.relname collate "C", a.attnum), 'UTF8')),
                                             'hex')
from pg_class c join pg_namespace n on n.oid = c.relnamespace
join pg_attribute a on a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped
where c.relkind in ('r', 'p', 'c')
  and (n.nspname = 'bemi' or n.nspname = '_bemi' and c.relname in (
         'access_token', 'action', 'archive', 'baseline_piece', 'coverage', 'dashboard_user', 'destination',
         'dropped_window', 'epoch', 'gap', 'key_change', 'login_session', 'managed_source', 'mark', 'parked', 'place',
         'relation_version', 'saved_view', 'source', 'stage', 'untracked', 'view', 'view_source', 'webhook')
       or c.oid = to_regclass((select format('%I.changes', d.schema) from _bemi.destination d)))
