select n.nspname, bool_or(not has_schema_privilege($1, n.oid, 'usage')),
       coalesce(string_agg(format('%I.%I', n.nspname, c.relname), ', ' order by c.relname)
                  filter (where not has_table_privilege($1, c.oid, 'select')), ''),
       n.oid, coalesce(string_agg(c.oid::text, ',') filter (where not has_table_privilege($1, c.oid, 'select')), '')
from pg_class c join pg_namespace n on n.oid = c.relnamespace
where c.oid = any ($2::oid[]) group by n.nspname, n.oid
having bool_or(not has_schema_privilege($1, n.oid, 'usage'))
       or bool_or(not has_table_privilege($1, c.oid, 'select')) order by n.nspname
