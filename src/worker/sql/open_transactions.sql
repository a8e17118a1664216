select string_agg(format('%s (%s, %s for %s s)', who, nullif(what, ''), state,
                         extract(epoch from now() - since)::int), ', ' order by since)
from (select 'process ' || pid as who, application_name as what, state, xact_start as since
      from pg_stat_activity where backend_xid is not null and pid <> pg_backend_pid()
      union all
      select 'prepared transaction ' || gid, owner::text, 'prepared', prepared
      from pg_prepared_xacts
      order by since limit 3) open
